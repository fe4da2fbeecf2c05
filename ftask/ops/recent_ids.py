"""The ids of tasks that this user's commands have shown lately, newest first: a prefix of one needs no request.

They are kept in the user's cache folder, one file for each name of a stage. Losing the file loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ftask.cache_folder import cache_folder
from ftask.core.codec import TASK_ID
from ftask.core.errors import FtaskError
from ftask.private_files import replace_private, user_id

MOST_IDS = 1000


def recent_ids(stage_name: str) -> list[str]:
    """Return the ids, newest first; none if the file cannot be read, or is another user's."""
    path = _path(stage_name)
    try:
        if path.lstat().st_uid != user_id():
            return []
        lines = path.read_text("ascii").split()
    except (OSError, UnicodeDecodeError):
        return []
    return [line for line in lines if TASK_ID.fullmatch(line)]


def remember_ids(stage_name: str, task_ids: Iterable[str]) -> None:
    """Put the ids before those that are kept. An unwritable folder is not an error: only time is lost."""
    path = _path(stage_name)
    fresh = list(dict.fromkeys(task_ids))
    known = recent_ids(stage_name)
    if known[: len(fresh)] == fresh:
        return
    kept = list(dict.fromkeys([*fresh, *known]))[:MOST_IDS]
    with suppress(OSError, FtaskError):
        replace_private(path, "".join(f"{task_id}\n" for task_id in kept))


def _path(stage_name: str) -> Path:
    return cache_folder() / "recent-tasks" / stage_name
