"""What a command says after Ctrl-C about the tasks that run on: how many, which, and how to follow them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from shlex import quote

from ftask.aws.stack import command_on
from ftask.cli.invocation import Invocation
from ftask.core.text import plural

# With more tasks their ids are written to a file: a command with all of them could not be pasted.
MAX_IDS_IN_COMMAND = 5


def how_to_follow(run: Invocation, task_ids: Iterable[str], file: Path | None = None) -> str:
    """Say that these tasks go on, and how to follow them, with a command that can be pasted; nothing without tasks.

    `file` has the ids of many; without one they are written to a file of temporary files.
    """
    ids = iter(task_ids)
    first = list(islice(ids, MAX_IDS_IN_COMMAND + 1))
    if not first:
        return ""
    if len(first) <= MAX_IDS_IN_COMMAND:
        shown = " ".join(map(run.shown_ids(first).__getitem__, first))
        going = "The task goes on. Follow it" if len(first) == 1 else "The tasks go on. Follow them"
        return f"{going} with: {command_on(run.target, f'watch {shown}')}"
    path = file or _saved(chain(first, ids))
    if path is None:
        unsaved = f"The tasks go on. Their ids cannot be written to {tempfile.gettempdir()}."
        return f"{unsaved} See them with: {command_on(run.target, 'ls')}"
    watch = f"{command_on(run.target, 'watch')} < {quote(str(path))}"
    return f"The tasks go on. Their ids are in {path}. Follow them with: {watch}"


def how_many(verb: str, count: int, total: int) -> str:
    """Return how far a command came: `Accepted 300 of 1,000 tasks.`"""
    return f"{verb} {count:,} of {plural(total, 'task')}."


def _saved(task_ids: Iterable[str]) -> Path | None:
    """Write the ids to a new file that only the user can read; return None where that fails."""
    with (
        suppress(OSError),
        tempfile.NamedTemporaryFile("w", prefix="ftask-accepted-", suffix=".txt", delete=False) as file,
    ):
        file.writelines(f"{task_id}\n" for task_id in task_ids)
        return Path(file.name)
    return None
