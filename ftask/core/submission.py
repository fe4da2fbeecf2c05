"""Submit: make a task durable in the table and in the queue before anybody is told of it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from ftask.core.errors import IdempotencyConflictError, PayloadError
from ftask.core.model import Message, Status, Task
from ftask.core.payload import JsonObject, encode_payload, payload_hash
from ftask.core.ports import Clock, Queue, Store

MAX_KEY_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class Submitter:
    """Accepts tasks.

    `max_attempts` is snapshotted on each task; `retention` is how long its item outlives its last change.
    """

    store: Store
    queue: Queue
    clock: Clock
    max_attempts: int
    retention: timedelta

    def submit(self, payload: JsonObject, idempotency_key: str | None = None) -> Task:
        """Store the task, queue it, and return it: when this returns, both are durable.

        With an `idempotency_key` the same key and payload always name the same task.

        Raises:
            PayloadError: the payload or the key cannot be stored.
            IdempotencyConflictError: the key has been used with another payload.
            Exception: whatever the table or the queue raised; the task was not accepted.
        """
        task = self._new_task(payload, idempotency_key)
        existing = self.store.put(task)
        if existing is not None and existing.payload_hash != task.payload_hash:
            raise IdempotencyConflictError(
                f"The idempotency key already belongs to task {existing.task_id}, which has another payload.",
                "Use a new key for a new payload.",
            )
        if existing is not None and not _never_begun(existing):
            return existing
        # A keyed task that exists but never began may have lost its message: a duplicate message is
        # harmless, a missing one is not.
        task = existing or task
        try:
            self.queue.send(Message(task.task_id, task.epoch))
        except Exception:
            if idempotency_key is None:
                # Nobody knows this id, so nobody can wait for it. A keyed task stays: another request
                # with its key may have been answered by now, and the client's retry sends again.
                self.store.discard(task.task_id)
            raise
        return task

    def _new_task(self, payload: JsonObject, idempotency_key: str | None) -> Task:
        now = self.clock()
        text = encode_payload(payload)
        return Task(
            task_id=secrets.token_hex(16) if idempotency_key is None else derive_task_id(idempotency_key),
            status=Status.PENDING,
            payload=text,
            payload_hash=None if idempotency_key is None else payload_hash(payload),
            created_at=now,
            updated_at=now,
            expires_at=now + self.retention,
            max_attempts=self.max_attempts,
        )


def derive_task_id(idempotency_key: str) -> str:
    """The task id that belongs to a key.

    Raises:
        PayloadError: the key is empty, longer than 256 characters or not printable ASCII.
    """
    if not 0 < len(idempotency_key) <= MAX_KEY_CHARACTERS or not _printable_ascii(idempotency_key):
        raise PayloadError(
            f"An idempotency key has 1 to {MAX_KEY_CHARACTERS} printable ASCII characters.",
            "A UUID or the id of your own record makes a good key.",
        )
    return hashlib.sha256(b"ftask idempotency key\0" + idempotency_key.encode()).hexdigest()[:32]


def _printable_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _never_begun(task: Task) -> bool:
    return task.status is Status.PENDING and task.attempts == 0
