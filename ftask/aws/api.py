"""The stage's own HTTP API, called as any client would: JSON over a request signed with SigV4."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from ftask.aws.errors import UnreachableError, translate
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.core.text import printable

# A little longer than the 30 s after which API Gateway itself gives up.
TIMEOUT_SECONDS = 35
CONNECTIONS = 16
# A bearer token for an API that was deployed with ApiAuthorization JWT.
TOKEN_VARIABLE = "FTASK_TOKEN"  # noqa: S105 - the variable's name
RETRY_PAUSES_SECONDS = (0.2, 0.6, 2.0)
_WORTH_REPEATING = frozenset({429, 500, 502, 503, 504})


class ApiError(FtaskError):
    """The API refused a request; `status` is the HTTP status."""

    def __init__(self, status: int, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.status = status


class UnknownTaskError(FtaskError):
    """There is no task of this id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"There is no task {printable(task_id, 64)}.", "Check the id and the stage (--stage).")


class Accepted(BaseModel):
    """The answer to a submission."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)

    task_id: str
    status: str
    created_at: str


@dataclass
class ApiClient:
    """Calls the API at `url`; many threads may share it."""

    target: Target
    url: str
    sleep: Callable[[float], None] = time.sleep
    _http: URLLib3Session = field(
        default_factory=lambda: URLLib3Session(timeout=TIMEOUT_SECONDS, max_pool_connections=CONNECTIONS)
    )

    def submit(self, payload: str, idempotency_key: str) -> Accepted:
        """Submit the JSON text `payload`; again, a few times, while the API is briefly unavailable.

        The key makes the repetition safe: whichever request arrived, there is one task.

        Raises:
            ApiError: the API refused it.
            FtaskError: the API cannot be reached or answered something else than its contract says.
        """
        headers = {"content-type": "application/json", "idempotency-key": idempotency_key}
        return self._accepted(self._patiently("POST", "/tasks", headers, payload.encode()))

    def _accepted(self, answer: Any) -> Accepted:
        try:
            return Accepted.model_validate(answer)
        except ValidationError as error:
            raise FtaskError(
                f"{self.url} gave an answer that is not of this API: {error.errors()[0]['msg']}"
            ) from error

    def submit_many(self, tasks: Sequence[tuple[str, str]]) -> list[Accepted | ApiError]:
        """Submit up to 100 JSON texts, each with its key; of each, in order, what became of it.

        Raises:
            ApiError: the API refused the request as a whole; nothing was accepted.
            FtaskError: the API cannot be reached or answered something else than its contract says.
        """
        # The texts go as they are: parsed and written again, a number might become another.
        entries = (f'{{"payload":{payload},"idempotencyKey":{json.dumps(key)}}}' for payload, key in tasks)
        body = f'{{"tasks":[{",".join(entries)}]}}'
        answer = self._patiently("POST", "/tasks/batch", {"content-type": "application/json"}, body.encode())
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(tasks):
            raise FtaskError(f"{self.url} gave an answer that is not of this API.")
        return [self._outcome(result) for result in results]

    def _outcome(self, result: Any) -> Accepted | ApiError:
        if isinstance(result, dict) and isinstance(problem := result.get("problem"), dict):
            return ApiError(int(problem.get("status", 500)), str(problem.get("detail", "no details")))
        return self._accepted(result)

    def get(self, task_id: str) -> dict[str, Any]:
        """The task's public form.

        Raises:
            UnknownTaskError: there is no such task.
            ApiError: the request was refused.
        """
        try:
            return self._patiently("GET", f"/tasks/{quote(task_id, safe='')}", {}, b"")
        except ApiError as error:
            if error.status != 404:
                raise
            raise UnknownTaskError(task_id) from error

    def _patiently(self, method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        for pause_seconds in RETRY_PAUSES_SECONDS:
            try:
                return self._call(method, path, headers, body)
            except ApiError as error:
                if error.status not in _WORTH_REPEATING:
                    raise
            except UnreachableError:
                pass
            self.sleep(pause_seconds)
        return self._call(method, path, headers, body)

    def _call(self, method: str, path: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        request: Any = AWSRequest(method=method, url=self.url + path, data=body, headers=headers)
        token = os.environ.get(TOKEN_VARIABLE)
        if token:
            request.headers["authorization"] = f"Bearer {token}"
        else:
            signer: Any = SigV4Auth(self.target.credentials(), "execute-api", self.target.region_name)
            signer.add_auth(request)
        try:
            answer: Any = self._http.send(request.prepare())
        except BotoCoreError as error:
            raise translate(error) from error
        if answer.status_code >= 400:
            raise _refusal(answer.status_code, answer.content)
        try:
            value = json.loads(answer.content)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise FtaskError(f"{method} {self.url}{path} did not answer with a JSON object.")
        return value


def _refusal(status: int, body: bytes) -> ApiError:
    try:
        problem = json.loads(body)
        detail = problem.get("detail") or problem.get("message") or problem.get("Message")
    except (ValueError, AttributeError):
        detail = None
    if status == 401:
        return ApiError(
            status,
            "The API wants a bearer token, and did not take this one."
            if os.environ.get(TOKEN_VARIABLE)
            else "The API wants a bearer token.",
            f"Put one of the stage's issuer into {TOKEN_VARIABLE}.",
        )
    if status == 403:
        return ApiError(
            status,
            f"The API refused these credentials: {detail or 'Forbidden'}",
            "The caller needs execute-api:Invoke on this API; check --profile and --region.",
        )
    if status == 429:
        return ApiError(status, "The API throttles.", "Send more slowly, or raise ApiRateLimit with: ftask deploy")
    if status >= 500:
        return ApiError(
            status,
            f"The API could not do this (HTTP {status}): {detail or 'no details'}",
            "Run the command again; if it goes on, look at the function's log and at: ftask info",
        )
    return ApiError(status, detail or f"The API refused the request (HTTP {status}).")
