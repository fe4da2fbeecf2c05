"""What ftask can make again: dependencies that it installed, ids of tasks that it has shown, URLs of stages' APIs."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from ftask.aws.target import Target
from ftask.core.codec import TASK_ID
from ftask.core.errors import FtaskError
from ftask.core.text import json_object
from ftask.home.private_files import replace_private, user_id

CACHE_DIR_VARIABLE = "FTASK_CACHE_DIR"
MOST_IDS = 1000
MAX_URL_AGE_SECONDS = 24 * 3600.0


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return FTASK_CACHE_DIR, or ftask's part of the user's cache folder."""
    override = environment.get(CACHE_DIR_VARIABLE)
    return Path(override).absolute() if override else user_cache_path("ftask", appauthor=False)


def recent_ids(stage_name: str) -> list[str]:
    """Return the ids of tasks that this user's commands have shown lately, newest first."""
    return [line for line in _read(_ids_path(stage_name)).split() if TASK_ID.fullmatch(line)]


def remember_ids(stage_name: str, task_ids: Iterable[str]) -> None:
    """Put the ids before those that are kept, if the folder can be used."""
    fresh = list(dict.fromkeys(task_ids))
    known = recent_ids(stage_name)
    if known[: len(fresh)] != fresh:
        kept = list(dict.fromkeys([*fresh, *known]))[:MOST_IDS]
        _write(_ids_path(stage_name), "".join(f"{task_id}\n" for task_id in kept))


def _ids_path(stage_name: str) -> Path:
    return cache_folder() / "recent-tasks" / stage_name


class KnownUrl:
    """The URL of a stage's API as an earlier command found it, for a command that only calls the API.

    An access key always belongs to the same account, so it stands for the account, which only a request could find out.

    An old URL leads to no wrong answer: an API is deleted with its stack, or when a deployment replaces it, so a call
    to it fails, and then the stack is asked (see :class:`ftask.aws.api.ApiClient`). Names of tables and queues are not
    remembered: a table that a deployment replaced is kept, and would be read and written without an error.
    """

    def __init__(self, target: Target, clock: Callable[[], float] = time.time) -> None:
        key = [target.credentials().access_key, target.region_name, target.endpoint_url, target.stage_name]
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
        self.path = cache_folder() / "stages" / f"{name}.json"
        self._clock = clock

    def read(self) -> str | None:
        """Return the URL; None if none is remembered, for a day at most."""
        url = (json_object(_read(self.path)) or {}).get("apiUrl")
        with suppress(OSError):
            if isinstance(url, str) and abs(self._clock() - self.path.stat().st_mtime) <= MAX_URL_AGE_SECONDS:
                return url
        return None

    def remember(self, url: str) -> str:
        """Keep the URL for later commands, if the folder can be used; return it."""
        _write(self.path, json.dumps({"apiUrl": url}))
        return url

    def forget(self) -> None:
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def _read(path: Path) -> str:
    """Return the content of a file of this user's; "" where it cannot be read."""
    with suppress(OSError, UnicodeDecodeError):
        if path.lstat().st_uid == user_id():
            return path.read_text(encoding="utf-8")
    return ""


def _write(path: Path, text: str) -> None:
    # A folder that cannot be used costs time, nothing else.
    with suppress(OSError, FtaskError):
        replace_private(path, text)
