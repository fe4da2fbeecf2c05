"""What an operator does, for programs: the work of `ftask dlq redrive`, `ftask dlq discard` and `ftask cancel`.

It reads and writes the stage's table and queues, so it needs the rights of these commands (`ftask policy dlq cancel`),
which an application that submits tasks need not have. Therefore :class:`ftask.Client` has none of these methods, and
the API has no route for them: its role may not change a task that exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from ftask.actions.cancel import cancel_many
from ftask.actions.discard import discard
from ftask.actions.redrive import redrive
from ftask.aws.concurrency import RateLimiter
from ftask.aws.stack import deployed_stack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.cancellation import Cancellation
from ftask.core.errors import FtaskError
from ftask.core.failed_index import FailedTask
from ftask.core.letters import Verdict, Verdicts
from ftask.core.local_stage import is_local
from ftask.core.model import RemovalKind
from ftask.local.engine import Engine
from ftask.selection.failed import failures
from ftask.selection.filter import TaskFilter
from ftask.selection.scan import unfinished


class Operator:
    """Lists, redrives, discards and cancels the tasks of a stage that a :class:`ftask.TaskFilter` selects.

    Every call may be interrupted, repeated, and run twice at once.

    Args:
        stage: the stage's name.
        profile, region: as boto3 has them; default: the usual credential chain.
    """

    def __init__(self, stage: str = "local", *, profile: str | None = None, region: str | None = None) -> None:
        self._name = stage
        self._profile = profile
        self._region = region

    def failed(self, tasks: TaskFilter) -> Iterator[FailedTask]:
        """Yield the selected failed tasks, newest first."""
        return failures(self._stage, tasks)

    def redrive(self, tasks: TaskFilter, *, per_second: float = 0) -> list[str]:
        """Run failed tasks again, `per_second` at most (0: no limit); return the ids of those that were redriven."""
        return _done(redrive(self._stage, tasks, RateLimiter(per_second)))

    def discard(self, tasks: TaskFilter) -> list[str]:
        """Take failed tasks off the list of failed tasks; return their ids. They stay readable."""
        return _done(discard(self._stage, tasks, self._stage.removal(RemovalKind.DISCARDED)))

    def cancel(self, tasks: TaskFilter) -> dict[str, Cancellation]:
        """Cancel tasks that have not ended; return by id what that did. A running attempt may finish.

        Without `task_ids` in the filter, the whole table is read.
        """
        ids = sorted(tasks.task_ids) or [task.task_id for task in unfinished(self._stage, tasks)]
        return {result.task_id: result.outcome for result in cancel_many(self._stage, ids)}

    @cached_property
    def _stage(self) -> Stage:
        target = self._local() if is_local(self._name) else Target(self._name, self._profile, self._region)
        return Stage(target, deployed_stack(target))

    def _local(self) -> Target:
        running = Engine().running()
        if running is None:
            raise FtaskError("The local engine does not run.", "Start it with: ftask local up")
        return Target.local(*running.connection, self._name)


def _done(batches: Iterable[Verdicts]) -> list[str]:
    return [message.task_id for batch in batches for message, verdict in batch if message and verdict is Verdict.DONE]
