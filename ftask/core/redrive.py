"""Redrive and drain: what an operator does with dead letters.

Redriving gives a failed task a new epoch. The message is sent first: an interruption after that can never leave a
task that nobody will look at, because the worker makes the table's move itself, and the letter left behind is stale
the next time. Draining writes a letter down before it deletes it. So both are safe to interrupt anywhere and to run
again, and to run twice at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from ftask.core import transitions
from ftask.core.codec import message_or_none
from ftask.core.model import DeadLetter, Message, Status, Task
from ftask.core.ports import Clock, DeadLetterReader, Queue, Store

TaskFilter = Callable[[Task], bool]
"""Whether a failed task is among those that an operator chose."""


class RedriveOutcome(StrEnum):
    """What became of one dead letter."""

    REDRIVEN = "redriven"  # its task runs again; the letter is deleted
    STALE = "stale"  # its task has moved on without it; the letter is deleted
    SKIPPED = "skipped"  # its task is not selected; the letter stays
    UNSETTLED = "unsettled"  # its worker is between its two last steps; the letter stays for the next time
    UNKNOWN = "unknown"  # its task is not in the table, or it is no task; the letter stays, it is the last trace
    UNSENT = "unsent"  # the queue did not take the message; the letter stays

    @property
    def letter_done(self) -> bool:
        return self in (RedriveOutcome.REDRIVEN, RedriveOutcome.STALE)


@dataclass(frozen=True, slots=True)
class Redriver:
    """Redrives failed tasks, ten letters at a time."""

    store: Store
    queue: Queue
    clock: Clock
    retention: timedelta

    def redrive_letters(
        self, reader: DeadLetterReader, selected: TaskFilter = lambda _: True, seen: set[str] | None = None
    ) -> Iterator[list[tuple[Message | None, RedriveOutcome]]]:
        """Redrive what the dead-letter queue holds, of `selected` tasks only; after each batch, what became of it.

        Several may do so at once, and share `seen`.
        """
        for letters in _batches(reader, set() if seen is None else seen):
            messages = [message_or_none(letter.body) for letter in letters]
            outcomes = self.redrive(messages, selected)
            reader.delete([letter for letter, outcome in zip(letters, outcomes, strict=True) if outcome.letter_done])
            yield list(zip(messages, outcomes, strict=True))

    def redrive(self, letters: Sequence[Message | None], selected: TaskFilter = lambda _: True) -> list[RedriveOutcome]:
        """Redrive the tasks of up to ten letters; None stands for a letter that is no task's."""
        task_letters = [letter for letter in letters if letter is not None]
        tasks = {task.task_id: task for task in self.store.get_many([letter.task_id for letter in task_letters])}
        outcomes = [_judge(letter, tasks, selected) for letter in letters]
        failed = {
            letter.task_id: tasks[letter.task_id]
            for letter, outcome in zip(letters, outcomes, strict=True)
            if letter is not None and outcome is RedriveOutcome.REDRIVEN
        }
        sent = self.queue.send_many([Message(task.task_id, task.epoch + 1) for task in failed.values()])
        for message in sent:
            now = self.clock()
            after = transitions.reopened(failed[message.task_id], now)
            # Refused, it has been made already: by the worker, or by another operator.
            self.store.reopen(replace(after, expires_at=now + self.retention))
        in_queue = {message.task_id for message in sent}
        return [
            RedriveOutcome.UNSENT
            if letter is not None and outcome is RedriveOutcome.REDRIVEN and letter.task_id not in in_queue
            else outcome
            for letter, outcome in zip(letters, outcomes, strict=True)
        ]


def drain_letters(
    reader: DeadLetterReader, write: Callable[[Sequence[DeadLetter]], None], seen: set[str] | None = None
) -> Iterator[int]:
    """Empty the dead-letter queue; after each batch, how many letters it had.

    `write` must have the letters safe when it returns: only then are they deleted. Several may drain at once, and
    share `seen`.
    """
    for letters in _batches(reader, set() if seen is None else seen):
        write(letters)
        reader.delete(letters)
        yield len(letters)


def _batches(reader: DeadLetterReader, seen: set[str]) -> Iterator[Sequence[DeadLetter]]:
    """Batches until the queue shows nothing new: a letter that stayed comes back sooner or later."""
    while True:
        letters = [letter for letter in reader.receive() if letter.message_id not in seen]
        if not letters:
            return
        seen |= {letter.message_id for letter in letters}
        yield letters


def _judge(letter: Message | None, tasks: dict[str, Task], selected: TaskFilter) -> RedriveOutcome:
    task = tasks.get(letter.task_id) if letter is not None else None
    if letter is None or task is None:
        return RedriveOutcome.UNKNOWN
    # The worker died after it had sent this letter; the task later ended in another way.
    ended_otherwise = task.status.terminal and task.status is not Status.FAILED
    if task.epoch > letter.epoch or (task.epoch == letter.epoch and ended_otherwise):
        return RedriveOutcome.STALE
    if task.epoch < letter.epoch or task.status is not Status.FAILED:
        return RedriveOutcome.UNSETTLED
    return RedriveOutcome.REDRIVEN if selected(task) else RedriveOutcome.SKIPPED
