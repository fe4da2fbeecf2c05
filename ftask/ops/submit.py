"""Submit many tasks in batches, several at a time, and know of each whether it was accepted."""

from __future__ import annotations

import json
import threading
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from typing import Protocol, TypeVar

from ftask.aws.api import ApiClient
from ftask.client.answers import Accepted
from ftask.client.errors import ApiError
from ftask.client.requests import TaskRequest
from ftask.core.errors import FtaskError
from ftask.core.payload import MAX_BATCH_BYTES, MAX_BATCH_TASKS
from ftask.ops.rejected import Rejected, rejected_spool
from ftask.ops.spool import Spool

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")

# Enough to hide the network, few enough for an account's fresh concurrency limit of ten.
BATCHES_AT_ONCE = 4
# How many batches are in memory: those on their way, those that wait for an earlier one to be reported, and the next.
BATCHES_AHEAD = 2 * BATCHES_AT_ONCE
# Room for the frame and the key of each task.
_FRAME_BYTES = 400


@dataclass(frozen=True, slots=True)
class InputTask:
    """A task as its source has it: payload as JSON text, key and type if the source names
    them, line of its file."""

    payload: str
    key: str | None = None
    line: int | None = None
    type: str | None = None

    def with_key(self, key: str) -> InputTask:
        """Return the task with this key; faster than dataclasses.replace, which counts in a large file."""
        return InputTask(self.payload, key, self.line, self.type)

    @property
    def text(self) -> str:
        """The task as a line of a file that `ftask submit --file` reads."""
        return self.payload if self.type is None else f'{{"type":{json.dumps(self.type)},"payload":{self.payload}}}'


# Of one batch, in order: each task, and whether the API accepted it.
Outcomes = list[tuple[InputTask, Accepted | ApiError]]


class Container(Protocol[T]):
    """Where many values go: a list, or a :class:`ftask.ops.spool.Spool`."""

    def append(self, value: T, /) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[T]: ...


def task_spool() -> Spool[InputTask]:
    """Return where any number of tasks can be kept until they are sent."""
    return Spool(lambda task: [task.payload, task.key, task.line, task.type], lambda fields: InputTask(*fields))


@dataclass(frozen=True, slots=True)
class Repeated:
    """Tasks to submit, all of them `count` times; they can be read again and again."""

    tasks: Container[InputTask]
    count: int = 1

    def __len__(self) -> int:
        return self.count * len(self.tasks)

    def __iter__(self) -> Iterator[InputTask]:
        for _ in range(self.count):
            yield from self.tasks


@dataclass
class Submitted:
    """What became of the tasks that were sent.

    The API will never accept a refused task unchanged; an unavailable one may be sent again.
    """

    accepted: Container[Accepted] = field(default_factory=list)
    refused: Container[Rejected] = field(default_factory=list)
    first_refusal: ApiError | None = None
    unavailable: int = 0
    first_unavailable: ApiError | None = None

    @classmethod
    def on_disk(cls) -> Submitted:
        """Return one that takes little memory, however many tasks there are."""
        return cls(Spool(Accepted.json, Accepted.of_json), rejected_spool())

    @property
    def total(self) -> int:
        return len(self.accepted) + len(self.refused) + self.unavailable

    def add(self, outcomes: Outcomes) -> None:
        for task, outcome in outcomes:
            if isinstance(outcome, Accepted):
                self.accepted.append(outcome)
            elif outcome.refuses_task:
                self.refused.append(Rejected(task.line, task.text, outcome.message))
                self.first_refusal = self.first_refusal or outcome
            else:
                self.unavailable += 1
                self.first_unavailable = self.first_unavailable or outcome


def submit_tasks(
    client: ApiClient, tasks: Iterable[InputTask], late: Callable[[Outcomes], None] = lambda outcomes: None
) -> Generator[Outcomes]:
    """Submit the tasks; yield the result of each batch, in order. A refused task does not delay the others.

    The tasks are read as they are sent: no more than `BATCHES_AHEAD` batches of them are in memory.

    Every task gets an idempotency key, its own if it has none: a request that is sent again after a lost answer is
    then still one task. Where the reader stops early, the requests on their way are waited for, and `late` gets what
    became of their tasks.

    Raises:
        FtaskError: a request failed as a whole. No further one was sent; what was accepted has been yielded before.
    """
    keyed = (task if task.key is not None else task.with_key(uuid.uuid4().hex) for task in tasks)
    stopped = threading.Event()

    def send(batch: Sequence[InputTask]) -> list[Outcomes | FtaskError]:
        if stopped.is_set():
            return []
        try:
            return [list(zip(batch, _send(client, batch), strict=True))]
        except FtaskError as error:
            if isinstance(error, ApiError) and error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                # A stack of an earlier version limits what it stores, which can be longer than what it is sent.
                middle = len(batch) // 2
                return send(batch[:middle]) + send(batch[middle:])
            stopped.set()
            return [error]

    errors: list[FtaskError] = []
    sent: deque[Future[Iterable[Outcomes | FtaskError]]] = deque()
    with ThreadPoolExecutor(BATCHES_AT_ONCE) as threads:
        try:
            for outcomes in chain.from_iterable(_in_order(threads, send, _batches(keyed), sent)):
                if isinstance(outcomes, FtaskError):
                    errors.append(outcomes)
                else:
                    yield outcomes
        except BaseException:  # Ctrl-C among them: begin no request, and repeat none
            stopped.set()
            client.stopping.set()
            for outcomes in chain.from_iterable(future.result() for future in sent):
                if not isinstance(outcomes, FtaskError):
                    late(outcomes)
            raise
    if errors:
        raise errors[0]


def _in_order(
    threads: ThreadPoolExecutor, send: Callable[[A], B], batches: Iterable[A], sent: deque[Future[B]]
) -> Iterator[B]:
    """Yield what `send` returns for each batch; `Executor.map` would first read all of them.

    `sent` has what is not yielded yet.
    """
    for batch in batches:
        sent.append(threads.submit(send, batch))
        if len(sent) >= BATCHES_AHEAD:
            yield _first(sent)
    while sent:
        yield _first(sent)


def _first(sent: deque[Future[B]]) -> B:
    result = sent[0].result()
    sent.popleft()
    return result


def _send(client: ApiClient, batch: Sequence[InputTask]) -> Sequence[Accepted | ApiError]:
    if len(batch) > 1:
        return client.submit_many([_request(task) for task in batch])
    try:
        return [client.submit(_request(batch[0]))]
    except ApiError as error:
        if error.refuses_task:
            return [error]
        raise


def _request(task: InputTask) -> TaskRequest:
    return TaskRequest(task.payload, str(task.key), task.type)


def _batches(tasks: Iterable[InputTask]) -> Iterator[list[InputTask]]:
    batch: list[InputTask] = []
    batch_bytes = 0
    for task in tasks:
        task_bytes = len(task.payload.encode()) + _FRAME_BYTES
        if batch and (len(batch) == MAX_BATCH_TASKS or batch_bytes + task_bytes > MAX_BATCH_BYTES):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(task)
        batch_bytes += task_bytes
    if batch:
        yield batch
