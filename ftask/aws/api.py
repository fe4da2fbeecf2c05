"""The stage's own HTTP API, called as any client would: JSON over a request signed with SigV4."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from ftask.aws.bearer import TOKEN_VARIABLE
from ftask.aws.errors import UnreachableError, translate
from ftask.aws.http_session import open_session
from ftask.aws.retrying import RETRYABLE_STATUSES, Retries
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.core.text import printable
from ftask.core.timestamps import now

# The statuses of a task that the API will never accept unchanged.
_REFUSALS = frozenset({400, 413, 415, 422})


class ApiError(FtaskError):
    """The API refused a request, or a task of a batch.

    `status` is the HTTP status, `retry_after` the header of that name.
    """

    def __init__(self, status: int, message: str, hint: str | None = None, retry_after: str | None = None) -> None:
        super().__init__(message, hint)
        self.status = status
        self.retry_after = retry_after

    @property
    def refuses_task(self) -> bool:
        """Whether the task itself is the reason, so that sending it again is of no use."""
        return self.status in _REFUSALS

    @property
    def is_retryable(self) -> bool:
        return self.status in RETRYABLE_STATUSES


class UnknownTaskError(FtaskError):
    """The stage has no task of this id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task {printable(task_id, 64)} does not exist.", "Check the id and the stage (--stage).")


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to a submission."""

    task_id: str
    status: str
    created_at: str

    @classmethod
    def of_json(cls, answer: Any) -> Accepted:
        """Return the answer in `answer`; other fields are ignored.

        Raises:
            ValueError: it is not an object, or a field is missing or no text.
        """
        if not isinstance(answer, dict):
            raise ValueError("it is not a JSON object")
        names = ("taskId", "status", "createdAt")
        for name in names:
            if not isinstance(answer.get(name), str):
                raise ValueError(f"{name} is missing or not a text")
        return cls(*(answer[name] for name in names))

    def json(self) -> dict[str, str]:
        """Return the answer as the API gives it."""
        return {"taskId": self.task_id, "status": self.status, "createdAt": self.created_at}


class TaskRequest(NamedTuple):
    """One task to submit: its payload as JSON text, its idempotency key, its type (None for the stage's default)."""

    payload: str
    key: str
    type: str | None = None


@dataclass
class ApiClient:
    """Calls the API at `url`; many threads may share it.

    Requests carry the bearer `token`, or a signature where it is None. A request that fails in passing is sent again a
    few times. Setting `stopping` ends these retries.

    `find_url` returns the URL of the API as the stack has it now; it is given where `url` may be an old one. The first
    request that fails otherwise than by a refused task calls it, and is sent again if the URL is another one.
    """

    target: Target
    url: str
    stopping: threading.Event = field(default_factory=threading.Event)
    now: Callable[[], datetime] = now
    http: URLLib3Session | None = None
    token: str | None = field(default=None, repr=False)
    find_url: Callable[[], str] | None = None
    _finding: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @cached_property
    def _session(self) -> URLLib3Session:
        return self.http or open_session(self.target, self.url)

    def submit(self, task: TaskRequest) -> Accepted:
        """Submit one task.

        The key makes a retry safe: one task, even if both requests arrive.

        Raises:
            ApiError: the API refused the request or the task.
            FtaskError: the API cannot be reached, or its answer breaks its contract.
        """
        headers = {"content-type": "application/json", "idempotency-key": task.key}
        path = "/tasks" if task.type is None else f"/tasks?type={quote(task.type, safe='')}"
        return self._accepted(self._send("POST", path, headers, task.payload.encode()))

    def submit_many(self, tasks: Sequence[TaskRequest]) -> list[Accepted | ApiError]:
        """Submit up to 100 tasks; return each result, in order.

        Tasks that the API could not take just now are sent again, as a request would be.

        Raises:
            ApiError: the API refused the request as a whole; nothing was accepted.
            FtaskError: the API cannot be reached, or its answer breaks its contract.
        """
        retries = self._retries()
        outcomes = self._submit_batch(tasks, retries)
        while left := [
            index for index, outcome in enumerate(outcomes) if isinstance(outcome, ApiError) and outcome.is_retryable
        ]:
            if not retries.wait(_longest_wait(outcomes)):
                break
            try:
                repeated = self._submit_batch([tasks[index] for index in left], retries)
            except FtaskError:
                break  # what was accepted of this batch must not be lost; the next request meets the error again
            for index, outcome in zip(left, repeated, strict=True):
                outcomes[index] = outcome
        return outcomes

    def get(self, task_id: str) -> dict[str, Any]:
        """Return the task's public form.

        Raises:
            UnknownTaskError: no such task exists.
            ApiError: the API refused the request.
        """
        try:
            return self._send("GET", f"/tasks/{quote(task_id, safe='')}", {}, b"")
        except ApiError as error:
            if error.status != 404:
                raise
            raise UnknownTaskError(task_id) from error

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI document of the deployed API.

        Raises:
            ApiError: the API refused the request.
        """
        return self._send("GET", "/openapi.json", {}, b"")

    def _submit_batch(self, tasks: Sequence[TaskRequest], retries: Retries) -> list[Accepted | ApiError]:
        body = f'{{"tasks":[{",".join(map(_batch_entry, tasks))}]}}'
        answer = self._send("POST", "/tasks/batch", {"content-type": "application/json"}, body.encode(), retries)
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(tasks):
            raise self._foreign_answer()
        return [self._outcome(result) for result in results]

    def _outcome(self, result: Any) -> Accepted | ApiError:
        if isinstance(result, dict) and isinstance(problem := result.get("problem"), dict):
            retry_after = problem.get("retryAfter")
            return ApiError(
                int(problem.get("status", 500)),
                str(problem.get("detail", "no details")),
                retry_after=None if retry_after is None else str(retry_after),
            )
        return self._accepted(result)

    def _accepted(self, answer: Any) -> Accepted:
        try:
            return Accepted.of_json(answer)
        except ValueError as error:
            raise self._foreign_answer(f": {error}") from error

    def _foreign_answer(self, detail: str = "") -> FtaskError:
        return FtaskError(
            f"The answer of {self.url} does not fit this API{detail}.", "Check what serves this URL with: ftask info"
        )

    def _retries(self) -> Retries:
        return Retries(self.stopping, self.now)

    def _send(
        self, method: str, path: str, headers: dict[str, str], body: bytes, retries: Retries | None = None
    ) -> dict[str, Any]:
        """Send a request, and again while it fails in passing, or if the API has another URL now."""
        retries = retries or self._retries()
        while True:
            url = self.url
            try:
                return self._send_once(url, method, path, headers, body)
            except FtaskError as error:
                if self._has_moved(url, error):
                    continue
                if isinstance(error, ApiError):
                    if not error.is_retryable or not retries.wait(error.retry_after):
                        raise
                elif not isinstance(error, UnreachableError) or not retries.wait():
                    raise

    def _has_moved(self, url: str, error: FtaskError) -> bool:
        """Whether the API has another URL than `url`, at which a request ended with `error`."""
        if isinstance(error, ApiError) and (error.refuses_task or error.status == 429):
            return False  # an answer of this API, or of its gateway
        with self._finding:
            if self.url == url and self.find_url is not None:
                find_url, self.find_url = self.find_url, None
                self.url = find_url()
            return self.url != url

    def _send_once(self, url: str, method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        request: Any = AWSRequest(method=method, url=url + path, data=body, headers=headers)
        if self.token is not None:
            request.headers["authorization"] = f"Bearer {self.token}"
        else:
            # Frozen: a refresh between reading the key and the token would mix two pairs.
            credentials: Any = self.target.credentials().get_frozen_credentials()
            signer: Any = SigV4Auth(credentials, "execute-api", self.target.region_name)
            signer.add_auth(request)
        try:
            answer: Any = self._session.send(request.prepare())
        except BotoCoreError as error:
            raise translate(error) from error
        if answer.status_code >= 400:
            has_token = self.token is not None
            raise _refusal(answer.status_code, answer.content, answer.headers.get("retry-after"), has_token=has_token)
        try:
            value = json.loads(answer.content)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise self._foreign_answer(": it is not a JSON object")
        return value


def _refusal(status: int, body: bytes, retry_after: str | None, *, has_token: bool) -> ApiError:
    try:
        problem = json.loads(body)
        detail = problem.get("detail") or problem.get("message") or problem.get("Message")
    except (ValueError, AttributeError):
        detail = None
    if status == 401:
        rejected = f"The API rejected the token in {TOKEN_VARIABLE}."
        return ApiError(
            status,
            rejected if has_token else "The API requires a bearer token.",
            f"Set {TOKEN_VARIABLE} to a token of the stage's JwtIssuer.",
        )
    if status == 403:
        return ApiError(
            status,
            f"The API refused these credentials: {detail or 'Forbidden'}",
            "The caller needs execute-api:Invoke on this API; see which credentials are used with: ftask config",
        )
    if status == 429:
        return ApiError(
            status,
            "The API throttled the request.",
            "Send more slowly, or raise ApiRateLimit with: ftask deploy --param ApiRateLimit=N",
            retry_after,
        )
    if status >= 500:
        return ApiError(
            status,
            f"The API failed (HTTP {status}): {detail or 'no details'}",
            "Run the command again; if it keeps failing, see: ftask logs --function api",
            retry_after,
        )
    return ApiError(status, detail or f"The API refused the request (HTTP {status}).")


def _longest_wait(outcomes: Sequence[Accepted | ApiError]) -> str | None:
    """Return the longest Retry-After of the tasks that are sent again, None if they have none."""
    asked = [outcome.retry_after for outcome in outcomes if isinstance(outcome, ApiError) and outcome.is_retryable]
    return max((text for text in asked if text is not None and text.isdecimal()), key=int, default=None)


def _batch_entry(task: TaskRequest) -> str:
    named = "" if task.type is None else f'"type":{json.dumps(task.type)},'
    # The payload is sent unparsed: parsed and written again, a number might become another.
    return f'{{{named}"payload":{task.payload},"idempotencyKey":{json.dumps(task.key)}}}'
