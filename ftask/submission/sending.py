"""Submit many tasks in batches, several at a time, and know of each whether it was accepted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from ftask.aws.api import ApiClient
from ftask.client.client import in_order
from ftask.client.requests import BATCHES_AT_ONCE, TaskRequest, batches
from ftask.core.errors import FtaskError
from ftask.submission.job import InputTask, Outcomes

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
        parts = client.submit_parts(
            [TaskRequest(task.payload, str(task.key), task.type, task.options) for task in batch]
        )
        left = iter(batch)
        results = [part if isinstance(part, FtaskError) else [(next(left), each) for each in part] for part in parts]
        if isinstance(parts[-1], FtaskError):
            stopped.set()
        return results

    errors: list[FtaskError] = []
    sent: deque[Future[list[Outcomes | FtaskError]]] = deque()
    with ThreadPoolExecutor(BATCHES_AT_ONCE) as threads:
        try:
            for results in in_order(threads, send, batches(tasks), sent, BATCHES_AHEAD):
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
