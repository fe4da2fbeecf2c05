"""The protocol, broken on purpose. Each breakage says what it takes away; the exploration must notice each.

Read as documentation, the list says why each clause is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ftask.core import transitions
from ftask.core.codec import message_or_none
from ftask.core.drain import Write, drain_letters
from ftask.core.dynamodb import DynamoStore
from ftask.core.errors import AttemptError, FtaskError, TemporarilyUnavailableError, UnknownTaskType
from ftask.core.execution import Executor, letter_attributes
from ftask.core.firings import Firing, Firings, ScheduleRecord, ScheduleRecords
from ftask.core.letters import Verdict
from ftask.core.manifest import TaskType
from ftask.core.model import EXPERIMENT_TYPE, DeadLetter, Delivery, Lease, Message, Removal, Status, Task, Unique
from ftask.core.payload import Submission
from ftask.core.ports import DeadLetterReader, Job, Settlement, Store
from ftask.core.redrive import Redriver
from ftask.core.submission import Submitter
from ftask.core.transitions import Acknowledge, Postpone
from ftask.tasks.errors import InvalidPayload
from tests.crash.world import Breakage

_RNG = Random(1)


@dataclass(frozen=True)
class Broken:
    """A breakage and the stories in which it shows."""

    what: str
    breakage: Breakage
    shown_by: tuple[str, ...]


def edited(operation: str, pattern: str, replacement: str) -> Breakage:
    """The condition of every `operation` that has `pattern`, with that part replaced."""

    def edit(name: str, params: dict[str, Any]) -> None:
        condition = params.get("ConditionExpression", "")
        if name != operation or not re.search(pattern, condition):
            return
        changed = re.sub(pattern, replacement, condition)
        if changed:
            params["ConditionExpression"] = changed
        else:
            for gone in ("ConditionExpression", "ReturnValuesOnConditionCheckFailure"):
                params.pop(gone)
        # DynamoDB refuses values and names that no expression uses.
        used = f"{changed} {params.get('UpdateExpression', '')}"
        for group, sign in (("ExpressionAttributeValues", ":"), ("ExpressionAttributeNames", "#")):
            kept = {
                key: value
                for key, value in params.get(group, {}).items()
                if re.search(rf"{re.escape(sign + key[1:])}\b", used)
            }
            if kept:
                params[group] = kept
            else:
                params.pop(group, None)

    return Breakage(edit=edit)


def with_executor(settle: Callable[..., bool]) -> Breakage:
    return Breakage(executor=type("BrokenExecutor", (Executor,), {"__slots__": (), "_settle": settle}))


def _failed_before_letter(self: Executor, delivery: Delivery, after: Task, before: Task | None = None) -> bool:
    assert after.lease is not None
    settled = self.store.settle(self._retained(after), after.lease.owner) is Settlement.DONE
    if settled and after.status is Status.FAILED:
        self.dead_letters.send(delivery.body, letter_attributes(after))
    if settled and after.status is Status.RETRYING:
        assert after.next_attempt_at is not None
        self._postpone(delivery, Message(after.task_id, after.epoch), transitions.Postpone("", after.next_attempt_at))
        return False
    return settled


def _acknowledged_on_a_lost_lease(self: Executor, delivery: Delivery, after: Task, before: Task | None = None) -> bool:
    assert after.lease is not None
    done = Executor._settle(self, delivery, after, before)
    current = self.store.get(after.task_id)
    lost = current is not None and current.lease is not None and current.lease.owner != after.lease.owner
    return done or lost


def _no_letter(self: Executor, delivery: Delivery, after: Task, before: Task | None = None) -> bool:
    assert after.lease is not None
    if after.status is Status.FAILED:
        return self.store.settle(self._retained(after), after.lease.owner) is Settlement.DONE
    return Executor._settle(self, delivery, after, before)


def _acknowledged_while_retrying(self: Executor, delivery: Delivery, after: Task, before: Task | None = None) -> bool:
    return Executor._settle(self, delivery, after, before) or after.status is Status.RETRYING


class _NoSchedules:
    """Believes that a schedule exists."""

    def send_at(self, message: Message, due: datetime) -> None:
        """Make none."""


class _AcknowledgedFirst(Executor):
    """Tells the queue that it is done whenever the message is understood."""

    __slots__ = ()

    def execute(self, delivery: Delivery, deadline: datetime, beside: int = 0) -> bool:
        Executor.execute(self, delivery, deadline, beside)
        return True


class _OneBackoffForAll(Executor):
    """Retries every type as the stack says."""

    __slots__ = ()

    def _failed(self, task: Task, error: AttemptError) -> Task:
        return Executor._failed(replace(self, policies={}), task, error)


class _RetriesWhatCannotFit(Executor):
    """Takes a payload that does not fit for a failure like any other."""

    __slots__ = ()

    def _failed(self, task: Task, error: AttemptError) -> Task:
        permanent = error.permanent and error.error_type != InvalidPayload.__name__
        return Executor._failed(self, task, AttemptError(error.error_type, str(error), permanent=permanent))


class _OneTypeForAll(Submitter):
    """Stores every task as one of the experiment."""

    __slots__ = ()

    def _new_task(self, submission: Submission) -> Task:
        return replace(Submitter._new_task(self, submission), type=EXPERIMENT_TYPE)


class _SendsFirst(Submitter):
    """Queues before it stores."""

    __slots__ = ()

    def submit(self, submission: Submission) -> Task:
        task = self._new_task(submission)
        self.queue.send(Message(task.task_id))
        return self.store.put(task) or task


class _NeverSendsAgain(Submitter):
    """Takes a task that exists for one that was queued."""

    __slots__ = ()

    def submit(self, submission: Submission) -> Task:
        task = self._new_task(submission)
        existing = self.store.put(task)
        if existing is not None:
            return existing
        self.queue.send(Message(task.task_id))
        return task


class _DeletesKeyedTasks(Submitter):
    """Compensates a keyed task like any other."""

    __slots__ = ()

    def submit(self, submission: Submission) -> Task:
        try:
            return Submitter.submit(self, submission)
        except Exception:
            self.store.withdraw(self._new_task(submission).task_id)
            raise


class _PayloadLast(Submitter):
    """Writes a task before the payload that it names."""

    __slots__ = ()

    def _store(self, task: Task, deadline: datetime | None = None) -> Task | None:
        existing = self.store.put(task)
        if existing is None and task.payload_item is not None:
            self.store.put_payload(task)
        return existing


class _OnePayloadForAKey(Submitter):
    """Gives all payloads of a task the same item."""

    __slots__ = ()

    def _new_task(self, submission: Submission) -> Task:
        task = Submitter._new_task(self, submission)
        return replace(task, payload_item=task.payload_item and replace(task.payload_item, digest=""))


class _NoHash(Submitter):
    """Forgets what the key's payload was."""

    __slots__ = ()

    def _new_task(self, submission: Submission) -> Task:
        return replace(Submitter._new_task(self, submission), payload_hash=None)


class _BatchNeverSendsAgain(Submitter):
    """Takes the tasks of a batch that exist for ones that were queued."""

    __slots__ = ()

    def submit_many(self, submissions: Sequence[Submission], _: datetime | None = None) -> list[Task | FtaskError]:
        tasks = [self._new_task(submission) for submission in submissions]
        known = {task.task_id: known for task in tasks if (known := self.store.put(task)) is not None}
        self.queue.send_many([Message(task.task_id) for task in tasks if task.task_id not in known])
        return [known.get(task.task_id, task) for task in tasks]


class _BatchSendsFirst(Submitter):
    """Queues a batch before it stores it."""

    __slots__ = ()

    def _put_many(self, tasks: Sequence[Task], deadline: datetime | None) -> dict[str, Task | FtaskError]:
        self.queue.send_many([Message(task.task_id) for task in tasks])
        return Submitter._put_many(self, tasks, deadline)

    def _send_many(self, *_: object) -> dict[str, Task | FtaskError]:
        return {}


class _BatchTakesEveryPutForDone(Submitter):
    """Answers for tasks of a batch that the table did not take."""

    __slots__ = ()

    def _put_many(self, tasks: Sequence[Task], deadline: datetime | None) -> dict[str, Task | FtaskError]:
        outcomes = Submitter._put_many(self, tasks, deadline)
        by_id = {task.task_id: task for task in tasks}
        return {
            task_id: outcome if isinstance(outcome, Task) else by_id[task_id] for task_id, outcome in outcomes.items()
        }


class _BatchForgetsWhatWasNotSent(Submitter):
    """Answers for a whole batch when a part of it was sent."""

    __slots__ = ()

    def _send_many(self, tasks: Sequence[Task], deadline: datetime | None) -> dict[str, Task | FtaskError]:
        Submitter._send_many(self, tasks, deadline)
        return {}


class _BatchTakesEveryKeyForTheSame(Submitter):
    """Takes whatever task has a key for the one that a batch has."""

    __slots__ = ()

    def _put_many(self, tasks: Sequence[Task], deadline: datetime | None) -> dict[str, Task | FtaskError]:
        outcomes = Submitter._put_many(self, tasks, deadline)
        return outcomes | {
            task.task_id: replace(stored, payload_hash=task.payload_hash)
            for task in tasks
            if isinstance(stored := outcomes[task.task_id], Task)
        }


class _BatchHasAllTheTime(Submitter):
    """Stores and sends a batch until its function is killed."""

    __slots__ = ()

    def _has(self, time: timedelta, deadline: datetime | None) -> bool:
        return True


class _BelievesEveryFailure(Submitter):
    """Takes a task whose send failed for one that nobody has, though a worker may have begun it."""

    __slots__ = ()

    def _withdraw(self, tasks: Sequence[Task], *how: Any) -> dict[str, Task | FtaskError]:
        told = TemporarilyUnavailableError("not accepted")
        return dict.fromkeys(Submitter._withdraw(self, tasks, *how), told)


class _DeletesLettersFirst(Redriver):
    """Clears the letter before its task has a message."""

    __slots__ = ()

    def redrive_letters(self, reader: DeadLetterReader, *_: Any, **__: Any) -> Iterator[Any]:
        while letters := reader.receive():
            reader.delete(letters)
            outcomes = self.redrive([Message(*_parts(letter)) for letter in letters])
            yield outcomes


class _ReopensFirst(Redriver):
    """Moves the task before its message is sent."""

    __slots__ = ()

    def redrive(self, messages: Sequence[Message | None], *_: Any, **__: Any) -> list[Verdict]:
        known = [letter for letter in messages if letter is not None]
        tasks = {task.task_id: task for task in self.store.get_many([letter.task_id for letter in known])}
        failed = [letter for letter in known if tasks[letter.task_id].status is Status.FAILED]
        for letter in failed:
            self.store.reopen(transitions.reopened(tasks[letter.task_id], self.clock()))
        self.queue.send_many([Message(letter.task_id, letter.epoch + 1) for letter in failed])
        return [Verdict.DONE if letter in failed else Verdict.STALE for letter in messages]


class _LetsTasksExpire(Redriver):
    """Sends messages that outlive their tasks."""

    __slots__ = ()

    def _lasting(self, task: Task) -> Task:
        return task


class _LetsPayloadsExpire(Redriver):
    """Keeps the task's own item alone."""

    __slots__ = ()

    def _lasting(self, task: Task) -> Task:
        kept = Redriver._lasting(self, replace(task, payload_item=None))
        return replace(kept, payload_item=task.payload_item)


class _RedrivesWhatever(Redriver):
    """Takes every letter at its word, without a look at its task."""

    __slots__ = ()

    def redrive(self, messages: Sequence[Message | None], *_: Any, **__: Any) -> list[Verdict]:
        known = [letter for letter in messages if letter is not None]
        for task in self.store.get_many([letter.task_id for letter in known]):
            self.store.reopen(transitions.reopened(task, self.clock()))
            self.queue.send_many([Message(task.task_id, task.epoch + 1)])
        return [Verdict.DONE] * len(messages)


def _drains_first(store: Store, reader: DeadLetterReader, write: Write, _: object) -> Iterator[int]:
    while letters := reader.receive():
        reader.delete(letters)
        yield len(letters)
        write([(letter, None) for letter in letters])


def _drains_whatever(store: Store, reader: DeadLetterReader, write: Write, _: object) -> Iterator[int]:
    """Takes every letter for one of a task that waits for an operator."""
    while letters := reader.receive():
        write([(letter, None) for letter in letters])
        reader.delete(letters)
        yield len(letters)


def _deletes_first(
    store: Store, reader: DeadLetterReader, write: Write, removal: Callable[[], Removal]
) -> Iterator[int]:
    """Deletes letters before their tasks leave the list."""
    while letters := reader.receive():
        write([(letter, None) for letter in letters])
        reader.delete(letters)
        for letter in letters:
            store.remove(*_parts(letter), removal())
        yield len(letters)


def _removes_first(
    store: Store, reader: DeadLetterReader, write: Write, removal: Callable[[], Removal]
) -> Iterator[object]:
    """Takes tasks off the list before their letters are written."""
    while letters := reader.receive():
        messages = [message for letter in letters if (message := message_or_none(letter.body)) is not None]
        for message in messages:
            store.remove(message.task_id, message.epoch, removal())
        write([(letter, None) for letter in letters])
        reader.delete(letters)
        yield len(letters)


def _leaves_tasks_listed(store: Store, reader: DeadLetterReader, write: Write, _: object) -> Iterator[object]:
    return drain_letters(store, reader, write, None)


class _LooksBeforeItLocks(DynamoStore):
    """Reads who has the lock of a unique task, and writes the task and the lock apart from that."""

    def _put_unique(self, task: Task, unique: Unique) -> Task | None:
        lock = self._read(unique.lock_id)
        holder = None if lock is None else self.get(lock["holder"]["S"])
        if holder is not None and not holder.status.terminal:
            return holder
        item = {"taskId": {"S": unique.lock_id}, "holder": {"S": task.task_id}}
        self._client().put_item(TableName=self._table, Item=item)
        return self.put(replace(task, unique=None))


class _NakedBegin(DynamoStore):
    """Believes every refusal of a begin."""

    def begin(self, message: Message, owner: str, *how: Any) -> tuple[bool, Task | None]:
        begun, task = DynamoStore.begin(self, message, owner, *how)
        if not begun and task is not None and task.lease is not None and task.lease.owner == owner:
            task = replace(task, lease=Lease("somebody else", task.lease.until))
        return begun, task


class _Misread(DynamoStore):
    """Sees a task that refused a begin as it is not."""

    seen: Mapping[str, Any]

    def begin(self, *how: Any) -> tuple[bool, Task | None]:
        begun, task = DynamoStore.begin(self, *how)
        return begun, task if begun or task is None else replace(task, **self.seen)


def misread(**seen: Any) -> Breakage:
    """Every task that refuses a begin, seen with these values."""
    return _on(_as(type("Misread", (_Misread,), {"seen": seen})))


class _BlindToLeases(DynamoStore):
    """Takes every lease for an expired one."""

    def begin(self, *how: Any) -> tuple[bool, Task | None]:
        begun, task = DynamoStore.begin(self, *how)
        if not begun and task is not None and task.lease is not None:
            task = replace(task, lease=Lease(task.lease.owner, task.created_at - timedelta(days=1)))
        return begun, task


class _NeverTakesOver(DynamoStore):
    """Leaves what a dead worker had begun."""

    def take_over(self, after: Task, dead_owner: str) -> bool:
        return False


class _RunsEverythingHere(Executor):
    """Runs suspects beside the others."""

    __slots__ = ()

    def _place(self, task: Task, deadline: datetime) -> Any:
        return nullcontext(self.handler)


class _ForgivesAtARedrive(Executor):
    """Knows suspects of this epoch alone."""

    __slots__ = ()

    def _place(self, task: Task, deadline: datetime) -> Any:
        this_epoch = tuple(attempt for attempt in task.history if attempt.epoch == task.epoch)
        return Executor._place(self, replace(task, history=this_epoch), deadline)


class _NeverLooksAtTheTime(Executor):
    """Begins and runs with whatever time is left."""

    __slots__ = ()

    def _has_time(self, deadline: datetime) -> bool:
        return True


class _KeepsWhatItBegan(Executor):
    """Leaves an attempt begun whose begin failed."""

    __slots__ = ()

    def _undo_begin(self, message: Message, owner: str, deadline: datetime) -> None: ...


class _FailsWhatItDoesNotKnow(Executor):
    """Takes a type that it does not know for a failed attempt."""

    __slots__ = ()

    def _hand_back_unknown(self, delivery: Delivery, task: Task, types: Collection[str]) -> bool:
        def fail(job: Job) -> Any:
            raise UnknownTaskType(job.type, types)

        return self._settle(delivery, self._run(task, fail, self.clock()))


class _WaitsForEveryType(Executor):
    """Hands a task of an unknown type back for ever."""

    __slots__ = ()

    def _hand_back_unknown(self, delivery: Delivery, task: Task, types: Collection[str]) -> bool:
        return super()._hand_back_unknown(delivery, replace(task, unknown_since=None), types)


class _NewTaskForEachDelivery(Firings):
    """Makes the id of the task from when a firing was delivered."""

    __slots__ = ()

    def admit(self, firing: Firing) -> Message | Acknowledge | Postpone:
        return Firings.admit(self, replace(firing, at=firing.at + timedelta(milliseconds=_RNG.randrange(1000))))


class _BelievesWhatWasTaken(Firings):
    """Believes that a firing which was taken has its task."""

    __slots__ = ()

    def admit(self, firing: Firing) -> Message | Acknowledge | Postpone:
        is_first, _ = self.records.take(firing)
        if not is_first and self.store.get(firing.task_id) is None:
            return Acknowledge("taken before")
        return Firings.admit(self, firing)


class _LocklessFirings(Firings):
    """Makes tasks without the lock that keeps the next one out."""

    __slots__ = ()

    def _task(self, firing: Firing, task_type: TaskType, now: datetime) -> Task:
        return replace(Firings._task(self, firing, task_type, now), unique=None)


class _ForgetsSkips(Firings):
    """Notes no skipped firing."""

    __slots__ = ()

    def admit(self, firing: Firing) -> Message | Acknowledge | Postpone:
        return Firings.admit(replace(self, records=_NotingNoSkips(self.records)), firing)


@dataclass(frozen=True)
class _NotingNoSkips:
    records: ScheduleRecords

    def take(self, firing: Firing) -> tuple[bool, ScheduleRecord]:
        return self.records.take(firing)

    def skip(self, firing: Firing, reason: str) -> None:
        pass


class _CountsEveryLoss(Executor):
    """Counts an attempt that was lost, whoever ran beside it."""

    __slots__ = ()

    def execute(self, delivery: Delivery, deadline: datetime, beside: int = 0) -> bool:
        return Executor.execute(self, delivery, deadline)


class _NakedSettle(DynamoStore):
    """Believes every refusal of a settlement."""

    def settle(self, after: Task, owner: str, before: Task | None = None) -> Settlement:
        condition = "#status = :processing AND leaseOwner = :owner"
        values = {":processing": {"S": str(Status.PROCESSING)}, ":owner": {"S": owner}}
        return Settlement.DONE if self._replace(after, condition, values).done else Settlement.LEASE_LOST


class _ShortLease(DynamoStore):
    """Takes leases that end before the invocation does."""

    def begin(
        self, message: Message, owner: str, until: datetime, now: datetime, beside: int = 0
    ) -> tuple[bool, Task | None]:
        return DynamoStore.begin(self, message, owner, now - timedelta(seconds=5), now, beside)


def _parts(letter: DeadLetter) -> tuple[str, int]:
    body = json.loads(letter.body)
    return body["taskId"], body["epoch"]


def _on(make: Callable[[DynamoStore], DynamoStore]) -> Breakage:
    return Breakage(store=make)


def _as(kind: type[DynamoStore]) -> Callable[[DynamoStore], DynamoStore]:
    return lambda store: kind(store._client, store._table)


BREAKAGES = [
    Broken(
        "begin: a live lease is no obstacle",
        _on(_as(_BlindToLeases)),
        ("duplicate delivery of a success",),
    ),
    Broken(
        "begin: a dead worker's task is never taken over",
        _on(_as(_NeverTakesOver)),
        ("worker dies in the first attempt",),
    ),
    Broken(
        "begin: any status will do",
        edited("UpdateItem", r" AND #status IN \(:pending, :retrying\)$", ""),
        ("late duplicate after COMPLETED", "duplicate delivery of a success"),
    ),
    Broken(
        "begin: any epoch will do",
        edited("UpdateItem", r"^epoch = :epoch AND ", "attribute_exists(taskId) AND "),
        ("late duplicate after a redrive",),
    ),
    Broken(
        "begin: attempts are not counted against their limit",
        misread(max_attempts=9),
        ("worker dies in every attempt",),
    ),
    Broken(
        "begin: nextAttemptAt is ignored",
        edited("UpdateItem", r" AND \(attribute_not_exists\(nextAttemptAt\).*?\)(?= AND)", ""),
        ("delivery before the backoff is over",),
    ),
    Broken("begin: a lease ends before its invocation", _on(_as(_ShortLease)), ("duplicate delivery of a success",)),
    Broken(
        "begin: one's own re-sent write is taken for somebody else's",
        _on(_as(_NakedBegin)),
        ("exhausted attempts", "retry then success"),
    ),
    Broken(
        "settle: one's own re-sent write is taken for somebody else's",
        _on(_as(_NakedSettle)),
        ("retry then success",),
    ),
    Broken(
        "settle: the lease's owner is not asked",
        edited("UpdateItem", r" AND leaseOwner = :owner", ""),
        (
            "worker outlives its lease, the second succeeds",
            "worker outlives its lease, the second fails",
        ),
    ),
    Broken(
        "settle: the status is not asked",
        edited("UpdateItem", r"^#status = :processing AND leaseOwner", "leaseOwner"),
        ("worker outlives its lease, the last one", "duplicate delivery of the last failure"),
    ),
    Broken(
        "settle: no condition at all",
        edited("UpdateItem", r"^#status = :processing AND leaseOwner = :owner.*", ""),
        ("worker outlives its lease, the second succeeds", "worker outlives its lease, the second fails"),
    ),
    Broken(
        "settle: FAILED is written before the letter is sent",
        with_executor(_failed_before_letter),
        ("permanent error",),
    ),
    Broken("settle: no letter is sent", with_executor(_no_letter), ("permanent error",)),
    Broken(
        "settle: a lost lease is acknowledged",
        with_executor(_acknowledged_on_a_lost_lease),
        ("worker outlives its lease, the second dies",),
    ),
    Broken("settle: a retry is acknowledged", with_executor(_acknowledged_while_retrying), ("retry then success",)),
    Broken(
        "settle: every delivery is acknowledged",
        Breakage(executor=_AcknowledgedFirst),
        ("retry then success", "duplicate delivery, one worker dies"),
    ),
    Broken(
        "settle: a type's own backoff is ignored",
        Breakage(executor=_OneBackoffForAll),
        ("own task with its own backoff",),
    ),
    Broken(
        "settle: a payload that does not fit is retried",
        Breakage(executor=_RetriesWhatCannotFit),
        ("own task whose payload cannot be converted",),
    ),
    Broken(
        "submit: the task's type is not stored",
        Breakage(submitter=_OneTypeForAll),
        ("submit another type with the same key", "own task with its own backoff"),
    ),
    Broken(
        "submit: the lock of a unique task is looked at before it is taken",
        _on(_as(_LooksBeforeItLocks)),
        ("a unique task from two clients",),
    ),
    Broken("submit: queued before it is stored", Breakage(submitter=_SendsFirst), ("a client raced by the worker",)),
    Broken(
        "submit: an id may be given twice",
        edited("PutItem", r"^attribute_not_exists\(taskId\)$", ""),
        ("submit another payload with the same key", "submit again with the same key"),
    ),
    Broken(
        "submit: a repeated key does not send again",
        Breakage(submitter=_NeverSendsAgain),
        ("submit again with the same key",),
    ),
    Broken(
        "submit: a keyed task is deleted when its send fails",
        Breakage(submitter=_DeletesKeyedTasks),
        ("two clients with the same key, one throttled",),
    ),
    Broken(
        "submit: the key's payload is not remembered",
        Breakage(submitter=_NoHash),
        ("submit another payload with the same key",),
    ),
    Broken(
        "submit: the compensation asks nothing",
        edited("DeleteItem", r"^#status = :pending AND attempts = :none$", ""),
        ("a client whose message was sent after all",),
    ),
    Broken(
        "submit: a batch is written over whatever is there",
        edited("PutItem", r"^attribute_not_exists\(taskId\)$", ""),
        ("batch again, longer", "batch raced by the worker", "batch with another payload for a key"),
    ),
    Broken("submit: a repeated batch does not send again", Breakage(submitter=_BatchNeverSendsAgain), ("batch",)),
    Broken(
        "submit: a batch is queued before it is stored",
        Breakage(submitter=_BatchSendsFirst),
        ("batch without keys, raced by the worker",),
    ),
    Broken(
        "submit: a batch is answered for though the table did not take it",
        Breakage(submitter=_BatchTakesEveryPutForDone),
        ("batch without keys",),
    ),
    Broken(
        "submit: a key's payload is not looked at in a batch",
        Breakage(submitter=_BatchTakesEveryKeyForTheSame),
        ("batch with another payload for a key",),
    ),
    Broken(
        "submit: a batch is stored for as long as it takes",
        Breakage(submitter=_BatchHasAllTheTime),
        ("batch that runs out of time",),
    ),
    Broken(
        "submit: a batch is answered for as a whole",
        Breakage(submitter=_BatchForgetsWhatWasNotSent),
        ("batch of more than a request carries",),
    ),
    Broken(
        "submit: the task is written before its payload",
        Breakage(submitter=_PayloadLast),
        ("large payload, submitted again with the same key",),
    ),
    Broken(
        "submit: the item of a payload is named after its task alone",
        Breakage(submitter=_OnePayloadForAKey),
        ("large payloads, two with one key",),
    ),
    Broken(
        "begin: an attempt whose payload cannot be read counts",
        Breakage(executor=_KeepsWhatItBegan),
        ("large payload that cannot be read",),
    ),
    Broken(
        "redrive: a message outlives its task",
        Breakage(redriver=_LetsTasksExpire),
        ("redriven late",),
    ),
    Broken(
        "redrive: a payload expires as it would have without it",
        Breakage(redriver=_LetsPayloadsExpire),
        ("large payload, redriven late",),
    ),
    Broken(
        "redrive: letters are deleted first", Breakage(redriver=_DeletesLettersFirst), ("redrive one", "redrive many")
    ),
    Broken("redrive: the task is moved before its message is sent", Breakage(redriver=_ReopensFirst), ("redrive one",)),
    Broken(
        "redrive: every letter is believed",
        Breakage(redriver=_RedrivesWhatever),
        ("stale letter of an older epoch", "redrive while the worker fails the task"),
    ),
    Broken(
        "redrive: any epoch is reopened",
        edited("UpdateItem", r" AND #epoch = :previous$", ""),
        ("redrive raced by a second operator, and fails again",),
    ),
    Broken(
        "begin: a cancelled task's dead worker is replaced",
        misread(cancel_requested_at=None),
        ("cancel while the worker dies",),
    ),
    Broken(
        "take over: a task that was cancelled a moment ago is begun",
        edited("UpdateItem", r"(leaseOwner = :dead) AND attribute_not_exists\(#cancelRequestedAt\)", r"\1"),
        ("a take-over raced by a cancellation",),
    ),
    Broken(
        "take over: the lease's owner is not asked",
        edited("UpdateItem", r" AND leaseOwner = :dead", ""),
        ("a dead worker's task is taken over by two",),
    ),
    Broken(
        "isolation: an attempt that was lost beside others counts",
        Breakage(executor=_CountsEveryLoss),
        ("a task kills its worker beside another",),
    ),
    Broken(
        "isolation: a suspect runs in company",
        Breakage(executor=_RunsEverythingHere),
        ("a task kills its worker beside another",),
    ),
    Broken(
        "isolation: a redrive forgives a suspect",
        Breakage(executor=_ForgivesAtARedrive),
        ("a killer is redriven",),
    ),
    Broken(
        "isolation: a child outlives its worker",
        Breakage(children_survive=True),
        ("a worker dies while its child runs",),
    ),
    Broken(
        "types: an unknown type is a failed attempt",
        Breakage(executor=_FailsWhatItDoesNotKnow),
        ("own task that reaches an old worker first",),
    ),
    Broken(
        "types: an unknown type is waited for without end",
        Breakage(executor=_WaitsForEveryType),
        ("own task whose type no worker knows",),
    ),
    Broken(
        "time: an attempt runs with less than it is promised",
        Breakage(executor=_NeverLooksAtTheTime),
        ("a begin leaves too little time",),
    ),
    Broken(
        "time: a begin that failed is not undone",
        Breakage(executor=_KeepsWhatItBegan),
        ("a begin's answer never comes",),
    ),
    Broken(
        "settle: a cancelled task is retried",
        edited("UpdateItem", r" AND attribute_not_exists\(#cancelRequestedAt\)", ""),
        ("cancel while an attempt fails",),
    ),
    Broken(
        "cancel: whatever the task does",
        edited("UpdateItem", r"^#status IN \(:pending, :retrying\) AND ", ""),
        ("cancel by two operators",),
    ),
    Broken(
        "cancel: whatever attempt the task has come to",
        edited(
            "UpdateItem", r"(#status IN \(:pending, :retrying\)) AND #epoch = :epoch AND #attempts = :attempts", r"\1"
        ),
        ("cancel raced by a whole attempt",),
    ),
    Broken(
        "discard: letters are deleted before their tasks are off the list",
        Breakage(drain=_deletes_first),
        ("discard that is not repeated",),
    ),
    Broken(
        "discard: a request reaches any epoch",
        edited("UpdateItem", r" AND epoch = :epoch AND attribute_not_exists\(removal\)$", ""),
        ("a delayed copy of a discard",),
    ),
    Broken(
        "drain: a task leaves the list before its letter is written",
        Breakage(drain=_removes_first),
        ("drain that is not repeated",),
    ),
    Broken("drain: drained tasks stay on the list", Breakage(drain=_leaves_tasks_listed), ("drain",)),
    Broken("drain: letters are deleted before they are written", Breakage(drain=_drains_first), ("drain",)),
    Broken(
        "submit: a failed send is believed, whatever the table says",
        Breakage(submitter=_BelievesEveryFailure),
        ("a client whose send fails, raced by the worker", "a batch whose send fails, raced by the worker"),
    ),
    Broken(
        "cancel: a request reaches any epoch",
        edited("UpdateItem", r"^(#status = :processing) AND epoch = :epoch$", r"\1"),
        ("a delayed copy of a cancel request",),
    ),
    Broken(
        "drain: every letter is believed",
        Breakage(drain=_drains_whatever),
        ("drain of a stale letter", "drain while the worker fails the task"),
    ),
    Broken(
        "begin: a task that is not due begins",
        edited("UpdateItem", r" AND \(attribute_not_exists\(nextAttemptAt\) OR nextAttemptAt <= :now\)", ""),
        ("delayed by minutes", "delayed by days", "a schedule that fires twice"),
    ),
    Broken(
        "postpone: a message is deleted and no schedule is made",
        Breakage(schedules=lambda _: _NoSchedules()),
        ("delayed by days", "a long backoff"),
    ),
    Broken(
        "reschedule: a task that has begun is written too",
        edited("UpdateItem", r"^#status IN \([^)]*\) AND #epoch = :epoch AND #attempts = :attempts$", ""),
        ("a new time raced by the firing",),
    ),
    Broken(
        "firing: its delivery names the task",
        Breakage(firings=_NewTaskForEachDelivery),
        ("a firing that comes twice",),
    ),
    Broken("firing: what was taken is believed to be written", Breakage(firings=_BelievesWhatWasTaken), ("a firing",)),
    Broken(
        "firing: no lock keeps the next run out",
        Breakage(firings=_LocklessFirings),
        ("firings that overlap", "firings that queue"),
    ),
    Broken(
        "firing: a skip is not noted",
        Breakage(firings=_ForgetsSkips),
        ("a skipped firing that is delivered again",),
    ),
    Broken(
        "firing: a pause is not heeded",
        edited("UpdateItem", r"^attribute_not_exists\(pausedAt\) AND ", ""),
        ("a pause raced by a firing",),
    ),
]
