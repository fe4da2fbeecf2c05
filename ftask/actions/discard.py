"""Discard: failed tasks leave the list of failed tasks, and their dead letters the queue.

As a drain without a file: each task is removed from the list before its letter is deleted. Its item stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from ftask.actions.reading import CONNECTIONS, over_connections
from ftask.aws.concurrency import merge
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.drain import drain_letters
from ftask.core.failed_index import FailedTask
from ftask.core.letters import Verdict, Verdicts
from ftask.core.model import Message, Removal
from ftask.selection.failed import failures
from ftask.selection.filter import TaskFilter

# How many tasks without a letter are read from the index before they are removed from it.
CHUNK = 400


def discard(stage: Stage, task_filter: TaskFilter, removal: Callable[[], Removal]) -> Iterator[Verdicts]:
    """Discard the selected failed tasks; yield the verdicts after each batch.

    Stale letters on the way are deleted, whether their tasks are selected or not.

    Raises:
        FtaskError: AWS refused a request. Tasks that were discarded remain so; a repetition discards the others.
    """
    done: set[str] = set()
    for batch in over_connections(
        stage,
        lambda reader, seen: drain_letters(
            stage.store, reader, lambda _: None, removal, seen, task_filter.matches_failure
        ),
        task_filter.task_ids,
    ):
        done |= {message.task_id for message, verdict in batch if message and verdict is Verdict.DONE}
        yield batch
    # Tasks whose letter has expired, or is held by somebody else now: that letter is stale afterwards.
    without_letter = (task for task in failures(stage, task_filter) if task.task_id not in done)
    while chunk := list(islice(without_letter, CHUNK)):
        with translate_aws_errors():
            yield from merge([_remove(stage, chunk[first::CONNECTIONS], removal) for first in range(CONNECTIONS)])


def _remove(stage: Stage, tasks: list[FailedTask], removal: Callable[[], Removal]) -> Iterator[Verdicts]:
    for task in tasks:
        is_removed = stage.store.remove(task.task_id, task.epoch, removal())
        yield [(Message(task.task_id, task.epoch), Verdict.DONE if is_removed else Verdict.STALE)]
