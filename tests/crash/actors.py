"""Bodies of code that run at once, one step at a time, in an order that the test decides."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Crash(BaseException):
    """The process of an actor dies here. No `except Exception` of the product may hold it."""


class Actor:
    """A body of code that stops at each of its AWS calls until the scheduler lets it go on."""

    _current = threading.local()

    def __init__(self, body: Callable[[], object]) -> None:
        self.done = False
        self.crashed = False
        self.error: BaseException | None = None
        self._killed = False
        self._body = body
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        threading.Thread(target=self._main, daemon=True).start()

    @classmethod
    def pause_current(cls) -> None:
        """Called by an actor's code: let others move first. Nothing happens where nobody else runs."""
        actor = getattr(cls._current, "actor", None)
        if actor is not None:
            actor._pause()

    def step(self) -> None:
        """Let it go on to its next call, or to its end."""
        self._go.release()
        self._stopped.acquire()
        if self.error is not None:
            raise self.error

    def kill(self) -> None:
        """Let it die where it stands."""
        if not self.done:
            self._killed = True
            self.step()

    def _pause(self) -> None:
        self._stopped.release()
        self._wait()

    def _wait(self) -> None:
        self._go.acquire()
        if self._killed:
            raise Crash("killed with its process")

    def _main(self) -> None:
        Actor._current.actor = self
        try:
            self._wait()
            self._body()
        except Crash:
            self.crashed = True
        except Exception as error:  # noqa: BLE001 - raised again where the scheduler stands
            self.error = error
        finally:
            self.done = True
            self._stopped.release()
