"""Long calls, each in a separate thread: the keys stay responsive, and quitting does not wait for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from textual.app import App
from textual.message import Message

from ftask.aws.errors import translate
from ftask.cockpit.operations import Ending
from ftask.core.errors import FtaskError

T = TypeVar("T")


class Finished(Message):
    """A call has ended; `then` goes on with its result in the thread that draws."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self.then = then


def call(
    app: App[Any], work: Callable[[], T], done: Callable[[T], None], failed: Callable[[FtaskError], None]
) -> threading.Thread:
    """Do `work` in a thread, then `done` with its result, or `failed` with its error, in the thread that draws."""

    def run() -> None:
        try:
            result = work()
        except FtaskError as error:
            refused: FtaskError = error
        except (BotoCoreError, ClientError) as error:
            refused = translate(error)
        except Exception as error:  # noqa: BLE001 - a defect ends the cockpit, and the command reports it
            defect = error
            post(app, lambda: app.exit(Ending(error=defect)))
            return
        else:
            post(app, lambda: done(result))
            return
        post(app, lambda: failed(refused))

    # A daemon: Python does not wait for it at its end, when a network that is gone would hold the call for a minute.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def post(app: App[Any], then: Callable[[], None]) -> None:
    """Have the thread that draws do `then`, unless the cockpit has ended."""
    with suppress(RuntimeError):  # its event loop is closed
        app.post_message(Finished(then))
