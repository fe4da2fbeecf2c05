"""Find the task that the first digits of an id mean, as git and docker do."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice

from ftask.aws.stage import Stage
from ftask.core.codec import TASK_ID
from ftask.core.errors import FtaskError, InvalidInputError
from ftask.selection.scan import scan

_DIGITS = re.compile(r"[0-9a-f]{1,31}")
# A table shows at least this many digits, so they are enough to name an id that was shown.
SHOWN_DIGITS = 8
# How many candidates an error names.
MOST_CANDIDATES = 5
_WHOLE = "Give the whole id: 32 hexadecimal digits, as -o json and --no-trunc show it."


def normalize_id(text: str) -> str:
    """Return a whole id, or its first digits, as ids are written; a table's "…" at the end is dropped.

    Raises:
        InvalidInputError: it is neither.
    """
    task_id = text.strip().rstrip("…").lower()
    if not TASK_ID.fullmatch(task_id) and not _DIGITS.fullmatch(task_id):
        raise InvalidInputError(
            f"Invalid task id {text!r}: expected 32 hexadecimal digits, or the first ones.",
            "See the ids with: ftask ls",
        )
    return task_id


def find_shown(prefix: str, recent: Sequence[str]) -> str | None:
    """Return the id among those shown lately that `prefix` means; None if none or several begin so."""
    if len(prefix) < SHOWN_DIGITS:
        return None
    candidates = [task_id for task_id in recent if task_id.startswith(prefix)]
    return candidates[0] if len(candidates) == 1 else None


def find_in_table(stage: Stage, prefix: str, note: Callable[[str], None]) -> str:
    """Return the one id in the table that begins with `prefix`. Reads the whole table, and says so by `note`.

    Raises:
        FtaskError: no id begins so, or several do, or the table may not be read.
    """
    note(f"Looking for a task whose id begins with {prefix} in the whole table.")
    try:
        with closing(scan(stage, "begins_with(taskId, :prefix)", projection=("taskId",), prefix=prefix)) as pages:
            ids = (item["taskId"]["S"] for page in pages for item in page.items)
            found = sorted(islice((task_id for task_id in ids if TASK_ID.fullmatch(task_id)), MOST_CANDIDATES + 1))
    except FtaskError as error:
        raise FtaskError(f"The id {prefix} is not whole, and the table cannot be searched. {error}", _WHOLE) from error
    if not found:
        raise FtaskError(f"No task of the stage has an id that begins with {prefix}.", "See the ids with: ftask ls")
    if len(found) > 1:
        more = "\n  …" if len(found) > MOST_CANDIDATES else ""
        listed = "".join(f"\n  {task_id}" for task_id in found[:MOST_CANDIDATES])
        raise FtaskError(f"Several ids begin with {prefix}:{listed}{more}", "Give more digits of the id.")
    return str(found[0])
