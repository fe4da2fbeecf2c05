"""The calls of a client, each as a generator that says what to do next and gets what came of it. No I/O.

A transport runs them: it sends what a :class:`Send` holds and gives back the answer, waits for a :class:`Pause` and
gives back whether to go on, and runs the function of a :class:`Blocking`.

They are named tuples: a dataclass takes a millisecond of each start of an application.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

from ftask.client.answers import Accepted, Response, accepted, foreign_answer, judge, results
from ftask.client.connection import Connection
from ftask.client.errors import ApiConnectionError, ApiError, CredentialsError, RequestError, UnknownTaskError
from ftask.client.info import TaskInfo
from ftask.client.requests import Request, TaskRequest, batch, post, submission, task_path
from ftask.client.retrying import Retries, RetryRule
from ftask.core.errors import FtaskError

T = TypeVar("T")


class Send(NamedTuple):
    """Send a request to the API at `url`; the answer is a Response, or ApiConnectionError is thrown."""

    url: str
    request: Request


class Pause(NamedTuple):
    """Wait; the answer is whether the call goes on."""

    seconds: float


class Blocking(NamedTuple):
    """Run a function that takes time; the answer is what it returns."""

    function: Callable[[], Any]


Call = Generator[Send | Pause | Blocking, Any, T]
# The outcomes of tasks that were sent together, in order; or why their request failed as a whole.
Part = list[Accepted | ApiError] | FtaskError


class Calls(NamedTuple):
    """The calls of the API behind a connection."""

    connection: Connection
    rule: RetryRule = RetryRule()

    def submit(self, task: TaskRequest) -> Call[Accepted]:
        """Submit one task. The key makes a repetition safe: one task, even if both requests arrive."""
        try:
            return accepted((yield from self.send(submission(task))))
        except BaseException as error:  # a cancelled await too: the request may have arrived
            name_task(error, task)
            raise

    def submit_or_find(self, task: TaskRequest, *, raises: bool = False) -> Call[tuple[str, str | None]]:
        """Submit one task; return its id and when it was created, in ISO 8601.

        Unless this `raises`, it may be the id of the task which keeps a unique one out; then the time is None.
        """
        try:
            answer = yield from self.submit(task)
            return answer.task_id, answer.created_at
        except ApiError as error:
            if raises or error.holder is None:
                raise
            return error.holder, None

    def submit_batch(
        self, tasks: Sequence[TaskRequest], retries: Retries | None = None
    ) -> Call[list[Accepted | ApiError]]:
        """Submit up to 100 tasks; return each outcome, in order.

        Tasks that the API could not take just now are sent again, as a request would be.
        """
        retries = retries or Retries(self.rule)
        answer = yield from self.send(batch(tasks), retries)
        outcomes = results(answer, len(tasks))
        left = [index for index, outcome in enumerate(outcomes) if _may_pass(outcome)]
        if left:
            pause = retries.next_pause(_longest_wait(outcomes))
            if pause is not None and (yield Pause(pause)):
                try:
                    repeated = yield from self.submit_batch([tasks[index] for index in left], retries)
                except FtaskError:
                    repeated = []  # what was accepted of this batch must not be lost; the next call meets the error
                for index, outcome in zip(left, repeated, strict=False):
                    outcomes[index] = outcome
        for task, outcome in zip(tasks, outcomes, strict=True):
            if isinstance(outcome, ApiError):
                name_task(outcome, task)
        return outcomes

    def submit_parts(self, tasks: Sequence[TaskRequest]) -> Call[list[Part]]:
        """Submit up to 100 tasks, in halves where the API finds them too large; return what came of each part.

        The last part may be an error: a request failed as a whole, and none was sent after it.
        """
        try:
            if len(tasks) > 1:
                return [(yield from self.submit_batch(tasks))]
            return [[(yield from self.submit(tasks[0]))]]
        except ApiError as error:
            if len(tasks) == 1:
                return [[error] if error.refuses_task else error]
            if error.status != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                return [error]
        except FtaskError as error:
            return [error]
        # What is stored of a batch can be longer than what is sent.
        middle = len(tasks) // 2
        parts = yield from self.submit_parts(tasks[:middle])
        if isinstance(parts[-1], FtaskError):
            return parts
        return parts + (yield from self.submit_parts(tasks[middle:]))

    def get(self, task_id: str) -> Call[dict[str, Any]]:
        """Return the public form of a task."""
        try:
            return (yield from self.send(Request("GET", task_path(task_id))))
        except RequestError as error:
            error.task_id = task_id
            if isinstance(error, ApiError) and error.status == HTTPStatus.NOT_FOUND:
                raise UnknownTaskError(task_id) from error
            raise

    def query(self, task_ids: Sequence[str]) -> Call[dict[str, TaskInfo | None]]:
        """Return tasks with their results, by id; None is one that does not exist. They are up to 100."""
        found: dict[str, TaskInfo | None] = {}
        left = list(task_ids)
        while left:
            answer = yield from self.send(post("/tasks/query", {"taskIds": left, "results": True}))
            read = {task["taskId"]: TaskInfo.of_json(task) for task in answer["tasks"]}
            unread = set(answer["unread"])
            found |= {task_id: read.get(task_id) for task_id in left if task_id not in unread}
            if len(unread) >= len(left):
                raise foreign_answer("it has none of the tasks")
            left = [task_id for task_id in left if task_id in unread]
        return found

    def send(self, request: Request, retries: Retries | None = None) -> Call[dict[str, Any]]:
        """Send a request, and again while it fails in passing, or if the API has another URL now.

        Raises:
            ApiError: the API refused the request.
            ApiConnectionError: no answer came.
            FtaskError: the answer breaks the API's contract.
        """
        retries = retries or Retries(self.rule)
        connection = self.connection
        while True:
            url = connection.url
            try:
                response: Response = yield Send(url, request)
                return judge(response, has_token=connection.token is not None)
            except FtaskError as error:
                if _may_have_moved(error) and (yield Blocking(partial(connection.is_elsewhere, url))):
                    continue
                passes = isinstance(error, ApiConnectionError) or (isinstance(error, ApiError) and error.is_retryable)
                pause = retries.next_pause(getattr(error, "retry_after", None)) if passes else None
                if pause is None or not (yield Pause(pause)):
                    raise


def outcomes_of(tasks: Sequence[TaskRequest], parts: Iterable[Part]) -> Iterator[tuple[TaskRequest, str | ApiError]]:
    """Yield each task of some parts, with its id or its refusal.

    Raises:
        FtaskError: a part failed as a whole.
    """
    left = iter(tasks)
    for part in parts:
        if isinstance(part, FtaskError):
            raise part
        for outcome in part:
            yield next(left), task_id_of(outcome)


def task_id_of(outcome: Accepted | ApiError) -> str | ApiError:
    """Return the id of the task that a submission is about: its own, or the one that keeps a unique one out."""
    return outcome.task_id if isinstance(outcome, Accepted) else outcome.holder or outcome


def name_task(error: BaseException, task: TaskRequest) -> None:
    """Let the error that ended a submission say its key, by which that can be repeated safely."""
    if isinstance(error, RequestError):
        error.key = task.own_key
        # The same task may have run to its end meanwhile, and then it is accepted again.
        error.safe_to_repeat = not task.is_unique
    elif not isinstance(error, (Exception, GeneratorExit)):
        error.key = task.own_key  # type: ignore[attr-defined]  # of a CancelledError or a KeyboardInterrupt
        error.add_note(f"The submission with the key {task.own_key!r} may have arrived.")


def _may_have_moved(error: FtaskError) -> bool:
    if isinstance(error, ApiError):  # these are answers of this API, or of its gateway
        return not (error.refuses_task or error.status == HTTPStatus.TOO_MANY_REQUESTS)
    return not isinstance(error, CredentialsError)


def _may_pass(outcome: Accepted | ApiError) -> bool:
    return isinstance(outcome, ApiError) and outcome.is_retryable


def _longest_wait(outcomes: Sequence[Accepted | ApiError]) -> str | None:
    """Return the longest Retry-After of the tasks that are sent again, None if they have none."""
    asked = [outcome.retry_after for outcome in outcomes if isinstance(outcome, ApiError) and outcome.is_retryable]
    return max((text for text in asked if text is not None and text.isdecimal()), key=int, default=None)
