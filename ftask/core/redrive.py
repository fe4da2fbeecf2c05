"""Redrive: an operator gives a failed task its next epoch.

The message is sent first. If the redrive is interrupted after that, the worker writes the move to `PENDING` itself, and
the letter that is left is stale for the next one. So it can be interrupted anywhere, run again, and run twice at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ftask.core import expiry, transitions
from ftask.core.letters import Selected, Verdict, Verdicts, handle_letters, judge, look_up
from ftask.core.model import Message, Task
from ftask.core.ports import Clock, DeadLetterReader, Queue, Store


@dataclass(frozen=True, slots=True)
class Redriver:
    """Redrives failed tasks, ten letters at a time; `retention` is how long an item is kept after its last change."""

    store: Store
    queue: Queue
    clock: Clock
    retention: timedelta

    def redrive_letters(
        self, reader: DeadLetterReader, selected: Selected | None = None, seen: set[str] | None = None
    ) -> Iterator[Verdicts]:
        """Redrive the `selected` tasks that have a dead letter (default: all); yield the verdicts on each batch.

        For `seen` see :func:`ftask.core.letters.handle_letters`.
        """
        return handle_letters(reader, lambda _, messages: self.redrive(messages, selected), seen)

    def redrive(
        self, messages: Sequence[Message | None], selected: Selected | None = None, *, also_removed: bool = False
    ) -> list[Verdict]:
        """Redrive the tasks of up to ten messages; return the verdict on each. None is a letter without a message.

        `also_removed` redrives tasks that were discarded or drained too. A redrive that has sent its message wins over
        a discard or a drain that comes between its two steps.
        """
        tasks = look_up(self.store, messages)
        if also_removed:
            tasks = [task and replace(task, removal=None) for task in tasks]
        verdicts = [judge(message, task, selected) for message, task in zip(messages, tasks, strict=True)]
        failed = {
            task.task_id: self._lasting(task)
            for task, verdict in zip(tasks, verdicts, strict=True)
            if task is not None and verdict is Verdict.CURRENT
        }
        sent = self.queue.send_many([replace(task.message, epoch=task.epoch + 1) for task in failed.values()])
        for message in sent:
            now = self.clock()
            after = transitions.reopened(failed[message.task_id], now)
            # A refusal means that the worker or another operator has already written this.
            self.store.reopen(expiry.kept(after, now, self.retention))
        in_queue = {message.task_id for message in sent}
        return [
            (Verdict.DONE if task and task.task_id in in_queue else Verdict.UNSENT)
            if verdict is Verdict.CURRENT
            else verdict
            for task, verdict in zip(tasks, verdicts, strict=True)
        ]

    def _lasting(self, task: Task) -> Task:
        """Extend the life of a task that may expire before its message, or before whose end its payload may.

        It is extended before the message is sent: from then on the task may run, even if this redrive is interrupted.
        """
        after = expiry.lasting(task, self.clock(), self.retention)
        if after is not task:
            self.store.keep(after)
        return after
