"""Discard: failed tasks leave the list of failed tasks, and their dead letters the queue.

As a drain without a file: each task is removed from the list before its letter is deleted. Its item stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parallel import merge
from ftask.aws.stage import Stage
from ftask.core.drain import DrainOutcome
from ftask.core.failed_index import FailedTask
from ftask.core.model import Message, Removal
from ftask.dead_letters.drain import CONNECTIONS, Outcomes, read_letters, write_nothing
from ftask.dead_letters.selection import Selection, failures

# So many tasks are read from the index before they are removed from it.
CHUNK = 400


def discard(stage: Stage, selection: Selection, removal: Callable[[], Removal]) -> Iterator[Outcomes]:
    """Discard the selected failed tasks; yield the outcomes after each batch. A `DRAINED` one is discarded.

    Stale letters on the way are deleted, whether their tasks are selected or not.

    Raises:
        FtaskError: AWS refused a request. What was discarded stays so, and a repetition goes on from there.
    """
    done: set[str] = set()
    missing = set(selection.task_ids)
    with closing(read_letters(stage, write_nothing, removal, selection.matches)) as batches:
        for batch in batches:
            done |= {message.task_id for message, outcome in batch if message and outcome is DrainOutcome.DRAINED}
            yield batch
            missing -= {message.task_id for message, _ in batch if message is not None}
            if selection.task_ids and not missing:
                break  # every selected task had its letter
    # Tasks whose letter has expired, or is held by somebody else now: that letter is stale afterwards.
    without_letter = (task for task in failures(stage, selection) if task.task_id not in done)
    while chunk := list(islice(without_letter, CHUNK)):
        with translate_aws_errors():
            yield from merge([_remove(stage, chunk[first::CONNECTIONS], removal) for first in range(CONNECTIONS)])


def _remove(stage: Stage, tasks: list[FailedTask], removal: Callable[[], Removal]) -> Iterator[Outcomes]:
    for task in tasks:
        is_removed = stage.store.remove(task.task_id, task.epoch, removal())
        outcome = DrainOutcome.DRAINED if is_removed else DrainOutcome.STALE
        yield [(Message(task.task_id, task.epoch), outcome)]
