"""Submit: make a task durable in the table and in the queue before the client gets its answer."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ftask.core import expiry
from ftask.core.errors import (
    FtaskError,
    IdempotencyConflictError,
    NotUniqueError,
    OutcomeUnknownError,
    PayloadError,
    TemporarilyUnavailableError,
)
from ftask.core.manifest import ArgumentsError, Manifest, UnknownTypeError
from ftask.core.model import Status, Task
from ftask.core.payload import Submission, encode_payload, payload_hash
from ftask.core.payload_item import payload_item_of
from ftask.core.ports import Clock, Queue, Store
from ftask.core.threads import CallMap, one_by_one
from ftask.core.timestamps import to_iso

MAX_KEY_CHARACTERS = 256
# What one request to SQS carries.
MAX_MESSAGES = 10
# One call to AWS with all its tries (ftask.core.clients): with less time left none is begun, because a function that is
# killed tells its client nothing of what was accepted.
CALL_TIME = timedelta(seconds=15)
# Tasks that are stored must still be sent.
STORE_TIME = CALL_TIME + timedelta(seconds=5)
_TOO_LATE = "The request had no time left for the task, which was not accepted."
# A stack without tasks of the user's own.
_EXPERIMENT_ALONE = Manifest().with_experiment()


@dataclass(frozen=True, slots=True)
class Submitter:
    """Accepts tasks.

    `max_attempts` (from 1) is stored on each task whose type has no other; `retention` is how long its item is kept
    after its last change; `manifest` has the types that are accepted; `call_map` makes the calls of a batch.
    """

    store: Store
    queue: Queue
    clock: Clock
    max_attempts: int
    retention: timedelta
    manifest: Manifest = _EXPERIMENT_ALONE
    call_map: CallMap = one_by_one

    def submit(self, submission: Submission) -> Task:
        """Store the task, queue it, and return it: when this returns, both are durable.

        With an idempotency key the same key, type and payload always name the same task.

        Raises:
            PayloadError: the payload or the key cannot be stored, or the payload does not fit the type's arguments.
            UnknownTypeError: no such type exists, or none was named and none is the default.
            IdempotencyConflictError: the key has been used with another payload or type.
            TemporarilyUnavailableError: the table or the queue failed; the task was not accepted.
            OutcomeUnknownError: the same, but the task may run.
        """
        (outcome,) = self._submit([submission], None)
        if isinstance(outcome, FtaskError):
            raise outcome
        return outcome

    def submit_many(
        self, submissions: Sequence[Submission], deadline: datetime | None = None
    ) -> list[Task | FtaskError]:
        """Submit up to 100 tasks; return for each, in order, the task or why it was not accepted.

        Each task is stored as a single one is, several at a time, and keeps no other back. Close to `deadline`, when
        this process ends, no further one is stored.

        Raises:
            TemporarilyUnavailableError: the table or the queue failed, and no task was accepted.
            OutcomeUnknownError: the same, but tasks may run.
        """
        outcomes = self._submit(submissions, deadline)
        _require_any(outcomes)
        return outcomes

    def _submit(self, submissions: Sequence[Submission], deadline: datetime | None) -> list[Task | FtaskError]:
        candidates = [self._new_task_or_error(submission) for submission in submissions]
        new: dict[str, Task] = {}
        for candidate in candidates:
            if isinstance(candidate, Task):
                # Of several with one key, the first in the batch is written.
                new.setdefault(candidate.task_id, candidate)
        outcomes = self._put_many(list(new.values()), deadline)
        stored = {task_id: task for task_id, task in outcomes.items() if isinstance(task, Task)}
        # A keyed task that exists but never began may have lost its message: a duplicate message is harmless, a
        # missing one is not.
        unsent = self._send_many([task for task in stored.values() if _never_begun(task)], deadline)
        outcomes |= {task_id: unsent[task.task_id] for task_id, task in stored.items() if task.task_id in unsent}
        # An error may hide a write that was done. Only then: what has time is to be accepted first.
        failed = [new[task_id] for task_id, outcome in outcomes.items() if task_id not in stored and _cause(outcome)]
        self._withdraw(failed, deadline)
        return [
            candidate
            if isinstance(candidate, FtaskError)
            else _conflict(candidate, stored.get(candidate.task_id)) or outcomes[candidate.task_id]
            for candidate in candidates
        ]

    def _put_many(self, tasks: Sequence[Task], deadline: datetime | None) -> dict[str, Task | FtaskError]:
        """Store these tasks; return for each, by its id, the task that has the id now, or why it was not stored."""

        def put(task: Task) -> Task | FtaskError:
            try:
                existing = self._store(task, deadline)
                if existing is None:
                    return task
                # Another id is that of the task that holds the lock of this unique one.
                return existing if existing.task_id != task.task_id else self._prolonged(existing, task)
            except FtaskError as error:
                return error
            except Exception as error:  # noqa: BLE001 - the outcome of this task alone
                return _unavailable("The task could not be stored and was not accepted.", error)

        return dict(zip((task.task_id for task in tasks), self.call_map(put, tasks), strict=True))

    def _store(self, task: Task, deadline: datetime | None = None) -> Task | None:
        """Store a task, and before it a payload that has a separate item; return None, or the task that has its id.

        The payload first, so that nobody finds the task without it. A payload whose task is then not written, or is
        taken back, expires: to delete it would cost as much as to write it.
        """
        if task.payload_item is not None:
            self._require(STORE_TIME, deadline)
            self.store.put_payload(task)
        self._require(STORE_TIME, deadline)
        return self.store.put(task)

    def _send_many(self, tasks: Sequence[Task], deadline: datetime | None) -> dict[str, Task | FtaskError]:
        """Queue these tasks; return the outcomes of those that the queue did not take, by their ids."""

        def send(chunk: Sequence[Task]) -> dict[str, Task | FtaskError]:
            if not self._has(CALL_TIME, deadline):
                return {task.task_id: _unavailable(_TOO_LATE) for task in chunk}
            unsent = {task.task_id: task for task in chunk}
            failure = None
            try:
                for message in self.queue.send_many([task.message for task in chunk]):
                    del unsent[message.task_id]
            except Exception as error:  # noqa: BLE001 - the cause of what is answered for these tasks
                failure = error
            return self._withdraw(list(unsent.values()), deadline, failure)

        chunks = [tasks[start : start + MAX_MESSAGES] for start in range(0, len(tasks), MAX_MESSAGES)]
        return {task_id: outcome for unsent in self.call_map(send, chunks) for task_id, outcome in unsent.items()}

    def _withdraw(
        self, tasks: Sequence[Task], deadline: datetime | None, failure: Exception | None = None
    ) -> dict[str, Task | FtaskError]:
        """Take back tasks for which the table or the queue failed; return the outcome of each, by its id.

        Without a key nobody knows a task's id, so nobody can wait for it. If the table refuses to delete it, its
        message was sent after all and a worker has begun it: it is accepted. A keyed task stays: another request with
        its key may have been answered by now, and the client's retry sends again.
        """
        outcomes: dict[str, Task | FtaskError] = {}
        is_table_down = False
        for task in tasks:
            is_keyed = task.payload_hash is not None
            outcome: Task | FtaskError | None = _unknown(failure, is_keyed=is_keyed)
            if not is_keyed and not is_table_down and self._has(CALL_TIME, deadline):
                try:
                    outcome = self.store.withdraw(task.task_id)
                except Exception:  # noqa: BLE001 - the outcome says so
                    is_table_down = True
            outcomes[task.task_id] = outcome or _unavailable(
                "The task could not be queued and was not accepted.", failure
            )
        return outcomes

    def _has(self, time: timedelta, deadline: datetime | None) -> bool:
        return deadline is None or deadline - self.clock() >= time

    def _require(self, time: timedelta, deadline: datetime | None) -> None:
        if not self._has(time, deadline):
            raise _unavailable(_TOO_LATE)

    def _prolonged(self, task: Task, again: Task) -> Task:
        """Return a task that was submitted `again`; if no attempt has begun, with its expiry counted from now.

        Otherwise it could be accepted today and expire tomorrow, before it runs. Within the first day nothing is
        written: what is left is still longer than the life of a message.

        Raises:
            TemporarilyUnavailableError: the task began, ended or expired meanwhile.
        """
        if not _never_begun(task) or _conflict(again, task):
            return task
        # The payload's item that was just written: an equal payload, perhaps with its keys in another order.
        payload_item = task.payload_item and (again.payload_item or task.payload_item)
        after = expiry.kept(replace(task, payload_item=payload_item), self.clock(), self.retention)
        if after.expires_at - task.expires_at < timedelta(days=1):
            return task
        if not self.store.prolong(after):
            raise TemporarilyUnavailableError("The task changed while it was submitted again.", "Send it again.")
        return after

    def _new_task_or_error(self, submission: Submission) -> Task | FtaskError:
        try:
            return self._new_task(submission)
        except (PayloadError, UnknownTypeError) as error:
            return error

    def _new_task(self, submission: Submission) -> Task:
        task_type = self.manifest.resolve(submission.type)
        problem = task_type.check(submission.payload) or task_type.check_values(submission.payload)
        if problem is not None:
            raise ArgumentsError(problem)
        now = self.clock()
        key = submission.idempotency_key
        payload, labels = encode_payload(submission.payload), submission.labels
        # Another submission may find this task and be answered by it, so it is not withdrawn.
        is_named = key is not None or labels.unique is not None
        digest = payload_hash(submission.payload) if is_named else ""
        due = None if submission.due is None else submission.due.time(now)
        if due is not None and due <= now:
            due = None
        begins_at = due or now
        return Task(
            task_id=secrets.token_hex(16) if key is None else derive_task_id(key),
            status=Status.PENDING,
            payload=payload,
            payload_hash=digest if is_named else None,
            created_at=now,
            updated_at=now,
            expires_at=begins_at + self.retention,
            max_attempts=task_type.options.max_attempts or self.max_attempts,
            type=task_type.name,
            payload_item=payload_item_of(payload, begins_at, self.retention),
            group=labels.group,
            tags=labels.tags,
            unique=labels.lock(task_type.name, digest, now, begins_at + self.retention) if labels.unique else None,
            scheduled_at=due,
            next_attempt_at=due,
        )


def derive_task_id(idempotency_key: str) -> str:
    """Return the task id, 32 hexadecimal digits, that belongs to a key.

    Raises:
        PayloadError: the key is empty, longer than 256 characters or not printable ASCII, or begins or ends with a
            space: HTTP removes those from a header, so that such a key would name one task in a header and another one
            in a batch. https://www.rfc-editor.org/rfc/rfc9110#section-5.5
    """
    if idempotency_key != idempotency_key.strip(" "):
        raise PayloadError(
            "Invalid idempotency key: it begins or ends with a space, which an HTTP header cannot carry.",
            "Remove the space.",
        )
    is_printable_ascii = idempotency_key.isascii() and idempotency_key.isprintable()
    if not 0 < len(idempotency_key) <= MAX_KEY_CHARACTERS or not is_printable_ascii:
        raise PayloadError(
            f"Invalid idempotency key: expected 1 to {MAX_KEY_CHARACTERS} printable ASCII characters.",
            "Use a UUID, or the id of the record that the task is about.",
        )
    return hashlib.sha256(b"ftask idempotency key\0" + idempotency_key.encode()).hexdigest()[:32]


def _require_any(outcomes: Sequence[Task | FtaskError]) -> None:
    """Raise an error where the table or the queue failed and no task of a batch was accepted."""
    failure = next(filter(None, map(_cause, outcomes)), None)
    if failure is None or any(isinstance(outcome, Task) for outcome in outcomes):
        return
    if any(isinstance(outcome, OutcomeUnknownError) for outcome in outcomes):
        raise OutcomeUnknownError(
            "DynamoDB or SQS failed; it is not known which tasks of the batch were accepted.",
            "Send the batch again: a task with an idempotency key stays one task, one without may run twice.",
        ) from failure
    raise _unavailable("DynamoDB or SQS failed; nothing was accepted.") from failure


def _cause(outcome: Task | FtaskError) -> BaseException | None:
    """Return what the table or the queue raised when this task was submitted."""
    return outcome.__cause__ if isinstance(outcome, FtaskError) else None


def _unavailable(message: str, cause: Exception | None = None) -> TemporarilyUnavailableError:
    error = TemporarilyUnavailableError(message, "Send it again.")
    error.__cause__ = cause
    return error


def _unknown(cause: Exception | None, *, is_keyed: bool) -> OutcomeUnknownError:
    error = OutcomeUnknownError(
        "DynamoDB or SQS failed; it is not known whether the task was accepted.",
        "Send it again with the same idempotency key: it stays one task."
        if is_keyed
        else "Sent again it may run twice: only an idempotency key prevents that.",
    )
    error.__cause__ = cause
    return error


def _conflict(candidate: Task, existing: Task | None) -> IdempotencyConflictError | NotUniqueError | None:
    if existing is None:
        return None
    if existing.task_id != candidate.task_id:
        return NotUniqueError(existing.task_id)
    if existing.type != candidate.type:
        return IdempotencyConflictError(
            f"The idempotency key belongs to task {existing.task_id}, which is of another type: {existing.type}.",
            "Use a new key for a task of another type.",
        )
    if existing.payload_hash != candidate.payload_hash:
        return IdempotencyConflictError(
            f"The idempotency key belongs to task {existing.task_id}, which has another payload.",
            "Use a new key for a new payload.",
        )
    if existing.scheduled_at != candidate.scheduled_at and _delay(existing) != _delay(candidate):
        when = "at once" if existing.scheduled_at is None else f"at {to_iso(existing.scheduled_at)}"
        return IdempotencyConflictError(
            f"The idempotency key belongs to task {existing.task_id}, which was to run {when}, not at another time.",
            f"Use a new key, or change when it runs: ftask reschedule {existing.task_id} --at TIME",
        )
    return None


def _delay(task: Task) -> timedelta | None:
    """Return how long after its submission the task was to run: what a repeated relative delay has in common."""
    return None if task.scheduled_at is None else task.scheduled_at - task.created_at


def _never_begun(task: Task) -> bool:
    return task.status is Status.PENDING and task.attempts == 0
