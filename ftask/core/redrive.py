"""Redrive: an operator gives a failed task its next epoch.

The message is sent first. If the redrive is interrupted after that, the worker writes the move to `PENDING` itself, and
the letter that is left is stale for the next one. So it can be interrupted anywhere, run again, and run twice at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from ftask.core import transitions
from ftask.core.codec import message_or_none
from ftask.core.letters import LetterState, batches, judge
from ftask.core.model import Message, Task
from ftask.core.payload_item import MESSAGE_LIFE, lasting_until, lasts
from ftask.core.ports import Clock, DeadLetterReader, Queue, Store

TaskFilter = Callable[[Task], bool]
"""Whether a failed task is among those that an operator chose."""


class RedriveOutcome(StrEnum):
    """What became of one dead letter."""

    REDRIVEN = "redriven"  # the task runs again; the letter is deleted
    STALE = "stale"  # the task was redriven, discarded, drained or ended since; the letter is deleted
    SKIPPED = "skipped"  # the task is not selected; the letter stays
    UNSETTLED = "unsettled"  # the worker has sent the letter and not yet written FAILED; the letter stays
    UNKNOWN = "unknown"  # not a task's letter, or the task is gone; the letter stays, it is the last trace
    UNSENT = "unsent"  # the queue did not take the message; the letter stays

    @property
    def letter_done(self) -> bool:
        """Whether the letter has nothing left to do and is deleted."""
        return self in (RedriveOutcome.REDRIVEN, RedriveOutcome.STALE)


@dataclass(frozen=True, slots=True)
class Redriver:
    """Redrives failed tasks, ten letters at a time; `retention` is how long an item is kept after its last change."""

    store: Store
    queue: Queue
    clock: Clock
    retention: timedelta

    def redrive_letters(
        self, reader: DeadLetterReader, selected: TaskFilter = lambda _: True, seen: set[str] | None = None
    ) -> Iterator[list[tuple[Message | None, RedriveOutcome]]]:
        """Redrive the `selected` tasks that have a dead letter; yield the result of each batch of letters.

        `seen` holds the ids of the letters that were read. Several threads may redrive at once and share it.
        """
        for letters in batches(reader, set() if seen is None else seen):
            messages = [message_or_none(letter.body) for letter in letters]
            outcomes = self.redrive(messages, selected)
            reader.delete([letter for letter, outcome in zip(letters, outcomes, strict=True) if outcome.letter_done])
            yield list(zip(messages, outcomes, strict=True))

    def redrive(
        self, letters: Sequence[Message | None], selected: TaskFilter = lambda _: True, *, also_removed: bool = False
    ) -> list[RedriveOutcome]:
        """Redrive the tasks of up to ten letters; return the outcome of each. None is a letter that is not a task's.

        `also_removed` redrives tasks that were discarded or drained too. A redrive that has sent its message wins over
        a discard or a drain that comes between its two steps.
        """
        task_letters = [letter for letter in letters if letter is not None]
        tasks = {task.task_id: task for task in self.store.get_many([letter.task_id for letter in task_letters])}
        if also_removed:
            tasks = {task_id: replace(task, removal=None) for task_id, task in tasks.items()}
        outcomes = [_judge(letter, tasks, selected) for letter in letters]
        failed = {
            letter.task_id: tasks[letter.task_id]
            for letter, outcome in zip(letters, outcomes, strict=True)
            if letter is not None and outcome is RedriveOutcome.REDRIVEN
        }
        failed = {task_id: self._lasting(task) for task_id, task in failed.items()}
        sent = self.queue.send_many([replace(task.message, epoch=task.epoch + 1) for task in failed.values()])
        for message in sent:
            now = self.clock()
            after = transitions.reopened(failed[message.task_id], now)
            # A refusal means that the worker or another operator has already written this.
            self.store.reopen(after.kept_until(now + self.retention))
        in_queue = {message.task_id for message in sent}
        return [
            RedriveOutcome.UNSENT
            if letter is not None and outcome is RedriveOutcome.REDRIVEN and letter.task_id not in in_queue
            else outcome
            for letter, outcome in zip(letters, outcomes, strict=True)
        ]

    def _lasting(self, task: Task) -> Task:
        """Extend the life of a task that may expire before its message, or before whose end its payload may.

        It is extended before the message is sent: from then on the task may run, even if this redrive is interrupted.
        """
        now = self.clock()
        payload_item = task.payload_item
        if payload_item is not None and not lasts(payload_item, now, self.retention):
            payload_item = replace(payload_item, expires_at=lasting_until(now, self.retention))
        elif task.expires_at >= now + MESSAGE_LIFE:
            return task
        after = replace(task, payload_item=payload_item).kept_until(now + self.retention)
        self.store.keep(after)
        return after


def _judge(letter: Message | None, tasks: dict[str, Task], selected: TaskFilter) -> RedriveOutcome:
    task = tasks.get(letter.task_id) if letter is not None else None
    match judge(letter, task):
        case LetterState.CURRENT if task is not None:
            return RedriveOutcome.REDRIVEN if selected(task) else RedriveOutcome.SKIPPED
        case LetterState.STALE:
            return RedriveOutcome.STALE
        case LetterState.UNSETTLED:
            return RedriveOutcome.UNSETTLED
        case _:
            return RedriveOutcome.UNKNOWN
