"""Drain: dead letters are written down and leave the queue, those that are stale without being written.

A letter is written before it is deleted. So a drain can be interrupted anywhere, run again, and run twice at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ftask.core.codec import message_or_none
from ftask.core.letters import LetterState, batches, judge
from ftask.core.model import DeadLetter, Task
from ftask.core.ports import DeadLetterReader, Store

Write = Callable[[Sequence[tuple[DeadLetter, Task | None]]], None]
"""Keeps letters, each with its task (None: not of a task, or the task is gone)."""


def drain_letters(
    store: Store, reader: DeadLetterReader, write: Write, seen: set[str] | None = None
) -> Iterator[Counter[LetterState]]:
    """Empty the dead-letter queue; yield, after each batch, how many of its letters had which state.

    A stale letter is only deleted: written down, it would be submitted again although its task has moved on. An
    unsettled one stays in the queue. When `write` returns, the letters must be safe: they are deleted next. `seen`
    holds the ids of the letters that were read. Several threads may drain at once and share it.
    """
    for letters in batches(reader, set() if seen is None else seen):
        messages = [message_or_none(letter.body) for letter in letters]
        ids = [message.task_id for message in messages if message is not None]
        # Consistent: a read that is behind would show a task as FAILED that was redriven and has run since.
        tasks = {task.task_id: task for task in store.get_many(ids, consistent=True)}
        found = [None if message is None else tasks.get(message.task_id) for message in messages]
        states = [judge(message, task) for message, task in zip(messages, found, strict=True)]
        write(
            [
                (letter, task)
                for letter, task, state in zip(letters, found, states, strict=True)
                if state in (LetterState.CURRENT, LetterState.UNKNOWN)
            ]
        )
        reader.delete(
            [letter for letter, state in zip(letters, states, strict=True) if state is not LetterState.UNSETTLED]
        )
        yield Counter(states)
