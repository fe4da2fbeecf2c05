"""Drain and discard: dead letters leave the queue, and their tasks the list of failed tasks.

A drain writes each letter down first; a discard writes none. The task is removed from the list next, and the letter is
deleted last. So both can be interrupted anywhere, run again, and run twice at once: a letter that is left is stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from ftask.core.codec import message_or_none
from ftask.core.letters import LetterState, batches, judge
from ftask.core.model import DeadLetter, Message, Removal, Task
from ftask.core.ports import DeadLetterReader, Store

Write = Callable[[Sequence[tuple[DeadLetter, Task | None]]], None]
"""Keeps letters, each with its task (None: not of a task, or the task is gone)."""


class DrainOutcome(StrEnum):
    """What became of one dead letter in a drain or a discard."""

    DRAINED = "drained"  # written, then deleted; a discard writes none
    STALE = "stale"  # the task was redriven, discarded, drained or ended since; deleted
    SKIPPED = "skipped"  # not selected; the letter stays
    UNSETTLED = "unsettled"  # the worker has sent the letter and not yet written FAILED; the letter stays


def drain_letters(
    store: Store,
    reader: DeadLetterReader,
    write: Write,
    removal: Callable[[], Removal] | None,
    seen: set[str] | None = None,
    selected: Callable[[Task], bool] | None = None,
) -> Iterator[list[tuple[Message | None, DrainOutcome]]]:
    """Drain the letters of the `selected` tasks; yield the result of each batch of letters.

    `removal` returns what removes a task from the list of failed tasks now; None leaves the tasks on it. `selected` is
    None for all letters, also those that are not of a task. A stale letter is only deleted: written
    down, it would be submitted again although its task has moved on. When `write` returns, the letters must be safe:
    they are deleted next. `seen` holds the ids of the letters that were read. Several threads may drain at once and
    share it.
    """
    for letters in batches(reader, set() if seen is None else seen):
        messages = [message_or_none(letter.body) for letter in letters]
        ids = [message.task_id for message in messages if message is not None]
        # Consistent: a read that is behind would show a task as FAILED that was redriven and has run since.
        by_id = {task.task_id: task for task in store.get_many(ids, consistent=True)}
        tasks = [None if message is None else by_id.get(message.task_id) for message in messages]
        outcomes = [
            _outcome(judge(message, task), task, selected) for message, task in zip(messages, tasks, strict=True)
        ]
        write(
            [
                (letter, task)
                for letter, task, outcome in zip(letters, tasks, outcomes, strict=True)
                if outcome is DrainOutcome.DRAINED
            ]
        )
        if removal is not None:
            outcomes = [
                # Redriven since it was read.
                DrainOutcome.STALE
                if outcome is DrainOutcome.DRAINED
                and task is not None
                and not store.remove(task.task_id, task.epoch, removal())
                else outcome
                for task, outcome in zip(tasks, outcomes, strict=True)
            ]
        done = (DrainOutcome.DRAINED, DrainOutcome.STALE)
        reader.delete([letter for letter, outcome in zip(letters, outcomes, strict=True) if outcome in done])
        yield list(zip(messages, outcomes, strict=True))


def _outcome(state: LetterState, task: Task | None, selected: Callable[[Task], bool] | None) -> DrainOutcome:
    if state is LetterState.STALE:
        return DrainOutcome.STALE
    if state is LetterState.UNSETTLED:
        return DrainOutcome.UNSETTLED
    if selected is None or (task is not None and selected(task)):
        return DrainOutcome.DRAINED
    return DrainOutcome.SKIPPED
