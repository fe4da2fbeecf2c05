"""Submit many tasks in batches, several at a time, and know of each whether it was accepted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar

from ftask.aws.api import ApiClient
from ftask.client.answers import Accepted
from ftask.client.errors import ApiError
from ftask.client.requests import BATCHES_AT_ONCE, TaskRequest, batches
from ftask.core.errors import FtaskError
from ftask.submission.job import InputTask, Outcomes

T = TypeVar("T")
R = TypeVar("R")

# How many batches are in memory: those on their way, those that wait for an earlier one to be reported, and the next.
BATCHES_AHEAD = 2 * BATCHES_AT_ONCE


def submit_tasks(
    client: ApiClient, tasks: Iterable[InputTask], late: Callable[[Outcomes], None] = lambda outcomes: None
) -> Generator[Outcomes]:
    """Submit the tasks, which have keys; yield the outcomes of each batch, in order.

    The tasks are read as they are sent: at most `BATCHES_AHEAD` batches are in memory. If the reader stops early, the
    requests on their way are waited for, and `late` gets their outcomes.

    Raises:
        FtaskError: a request failed as a whole. No further one was sent; what was accepted has been yielded before.
    """
    stopped = threading.Event()

    def send(batch: Sequence[InputTask]) -> list[Outcomes | FtaskError]:
        if stopped.is_set():
            return []
        try:
            return [list(zip(batch, _send(client, batch), strict=True))]
        except FtaskError as error:
            if isinstance(error, ApiError) and error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                # What is stored of a batch can be longer than what is sent.
                middle = len(batch) // 2
                return send(batch[:middle]) + send(batch[middle:])
            stopped.set()
            return [error]

    errors: list[FtaskError] = []
    sent: deque[Future[list[Outcomes | FtaskError]]] = deque()
    with ThreadPoolExecutor(BATCHES_AT_ONCE) as threads:
        try:
            for results in _in_order(threads, send, batches(tasks), sent):
                errors += [result for result in results if isinstance(result, FtaskError)]
                yield from (result for result in results if not isinstance(result, FtaskError))
        except BaseException:  # Ctrl-C among them: begin no request, and repeat none
            stopped.set()
            client.stopping.set()
            for future in sent:
                for result in future.result():
                    if not isinstance(result, FtaskError):
                        late(result)
            raise
    if errors:
        raise errors[0]


def _in_order(
    threads: ThreadPoolExecutor, send: Callable[[T], R], chunks: Iterable[T], sent: deque[Future[R]]
) -> Iterator[R]:
    """Yield what `send` returns for each chunk; `Executor.map` would first read all of them.

    `sent` has what is not yielded yet.
    """
    for chunk in chunks:
        sent.append(threads.submit(send, chunk))
        if len(sent) >= BATCHES_AHEAD:
            yield _first(sent)
    while sent:
        yield _first(sent)


def _first(sent: deque[Future[R]]) -> R:
    result = sent[0].result()
    sent.popleft()
    return result


def _send(client: ApiClient, batch: Sequence[InputTask]) -> Sequence[Accepted | ApiError]:
    requests = [TaskRequest(task.payload, str(task.key), task.type, task.options) for task in batch]
    if len(requests) > 1:
        return client.submit_many(requests)
    try:
        return [client.submit(requests[0])]
    except ApiError as error:
        if error.refuses_task:
            return [error]
        raise
