"""A deployed stage: the core's services over the stack's own table and queues."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parameters import number
from ftask.aws.stack import DeployedStack, StackOutputs
from ftask.aws.target import Target
from ftask.aws.worker_check import WorkerCheck, check_worker
from ftask.core.cancellation import Canceller
from ftask.core.codec import TASK_ID
from ftask.core.dynamodb import DynamoStore
from ftask.core.model import Removal, RemovalKind, Task
from ftask.core.redrive import Redriver
from ftask.core.rescheduling import Rescheduler
from ftask.core.schedule_records import DynamoScheduleRecords
from ftask.core.sqs import SqsDeadLetterQueue, SqsDeadLetterReader, SqsQueue
from ftask.core.timestamps import now


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """About how many messages a queue holds: visible ones wait, those in flight were received and not yet deleted."""

    visible: int
    in_flight: int

    @property
    def total(self) -> int:
        return self.visible + self.in_flight


@dataclass(frozen=True)
class Stage:
    """One deployed stage: its target, its stack, and the services over its table and queues. Threads may share it."""

    target: Target
    stack: DeployedStack

    @property
    def outputs(self) -> StackOutputs:
        return self.stack.outputs

    @cached_property
    def store(self) -> DynamoStore:
        return DynamoStore(lambda: self.target.dynamodb, self.outputs.table)

    @cached_property
    def schedule_records(self) -> DynamoScheduleRecords:
        return DynamoScheduleRecords(lambda: self.target.dynamodb, self.outputs.table)

    @cached_property
    def queue(self) -> SqsQueue:
        return SqsQueue(lambda: self.target.sqs, self.outputs.queue_url)

    @cached_property
    def dead_letters(self) -> SqsDeadLetterQueue:
        return SqsDeadLetterQueue(lambda: self.target.sqs, self.outputs.dead_letter_queue_url)

    @cached_property
    def dead_letter_reader(self) -> SqsDeadLetterReader:
        return SqsDeadLetterReader(lambda: self.target.sqs, self.outputs.dead_letter_queue_url, self.poll_seconds)

    @cached_property
    def queue_reader(self) -> SqsDeadLetterReader:
        """A reader of the main queue. What it receives, the worker does not get until it is released."""
        return SqsDeadLetterReader(lambda: self.target.sqs, self.outputs.queue_url, self.poll_seconds)

    @property
    def poll_seconds(self) -> int:
        """How long to wait for a message before the queue counts as empty.

        SQS asks all of its servers only where a request may wait. An emulator is one server.
        """
        return self.target.choose(aws=1, emulator=0)

    def task(self, task_id: str) -> Task | None:
        """Read the task with its payload; None if no task has this id."""
        if not TASK_ID.fullmatch(task_id):
            return None
        with translate_aws_errors():
            task = self.store.get(task_id)
            return None if task is None else self.store.with_payload(task)

    def with_payloads(self, tasks: Iterable[Task]) -> list[Task]:
        """Return the tasks with their payloads, of which large ones are items of their own."""
        with translate_aws_errors():
            return list(self.store.with_payloads(tasks))

    def check_worker(self) -> WorkerCheck:
        """Ask the worker whether it can run tasks; if it has to start for that, wait for it.

        Raises:
            FtaskError: it cannot be asked.
        """
        timeout = number(self.stack.parameters, "WorkerTimeout") or 0
        return check_worker(self.target, self.outputs.worker_function, timeout)

    @property
    def visibility_timeout(self) -> timedelta:
        """How long the main queue hides a received message, read from the queue."""
        with translate_aws_errors():
            attributes = self.target.sqs.get_queue_attributes(
                QueueUrl=self.outputs.queue_url, AttributeNames=["VisibilityTimeout"]
            )["Attributes"]
        return timedelta(seconds=int(attributes["VisibilityTimeout"]))

    def queue_depth(self) -> QueueDepth:
        """Return about how many messages the main queue holds."""
        return self._depth(self.outputs.queue_url)

    def dead_letter_depth(self) -> QueueDepth:
        """Return about how many letters the dead-letter queue holds."""
        return self._depth(self.outputs.dead_letter_queue_url)

    def _depth(self, queue_url: str) -> QueueDepth:
        with translate_aws_errors():
            attributes = self.target.sqs.get_queue_attributes(
                QueueUrl=queue_url,
                AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
            )["Attributes"]
        return QueueDepth(
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )

    @property
    def redriver(self) -> Redriver:
        return Redriver(self.store, self.queue, now, self._retention)

    def removal(self, kind: RemovalKind) -> Callable[[], Removal]:
        """Return what marks a failed task as removed now, by the user of these credentials.

        Raises:
            FtaskError: AWS does not say whose credentials these are.
        """
        with translate_aws_errors():
            arn = self.target.sts.get_caller_identity()["Arn"]
        return lambda: Removal(kind, now(), arn)

    @property
    def rescheduler(self) -> Rescheduler:
        return Rescheduler(self.store, self.queue, now, self._retention)

    @property
    def canceller(self) -> Canceller:
        return Canceller(self.store, now, self._retention)

    @property
    def _retention(self) -> timedelta:
        return timedelta(days=self.outputs.retention_days)
