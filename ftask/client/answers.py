"""What the API answers, judged: a value, or the error that says what to do. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ftask.client.errors import ApiError
from ftask.core.errors import FtaskError
from ftask.core.text import json_object


class Response(NamedTuple):
    """An answer of HTTP; the names of its headers are lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Accepted(NamedTuple):
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


def judge(response: Response, *, has_token: bool) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        ApiError: the API refused the request.
        FtaskError: it is not this API's answer.
    """
    if response.status >= 400:
        raise _refusal(response, has_token=has_token)
    try:
        value = json.loads(response.content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise foreign_answer("it is not a JSON object")
    return value


def accepted(answer: Any) -> Accepted:
    """Return the accepted task of an answer, or of a result of a batch."""
    try:
        return Accepted.of_json(answer)
    except ValueError as error:
        raise foreign_answer(str(error)) from error


def results(answer: Mapping[str, Any], count: int) -> list[Accepted | ApiError]:
    """Return the outcomes of a batch of `count` tasks, in order."""
    entries = answer.get("results")
    if not isinstance(entries, list) or len(entries) != count:
        raise foreign_answer("it has another number of results")
    return [_result(entry) for entry in entries]


def foreign_answer(why: str) -> FtaskError:
    return FtaskError(f"The answer does not fit this API: {why}.", "Check what serves the API's URL with: ftask info")


def _result(entry: Any) -> Accepted | ApiError:
    if isinstance(entry, dict) and isinstance(problem := entry.get("problem"), dict):
        retry_after = problem.get("retryAfter")
        return ApiError(
            int(problem.get("status", 500)),
            str(problem.get("detail", "no details")),
            retry_after=None if retry_after is None else str(retry_after),
            details=problem,
        )
    return accepted(entry)


def _refusal(response: Response, *, has_token: bool) -> ApiError:
    status, retry_after = response.status, response.headers.get("retry-after")
    problem = json_object(response.content.decode(errors="replace")) or {}
    detail = problem.get("detail") or problem.get("message") or problem.get("Message")
    if status == 401:
        rejected = "The API rejected the token in FTASK_TOKEN." if has_token else "The API requires a bearer token."
        return ApiError(status, rejected, "Set FTASK_TOKEN to a token of the stage's JwtIssuer.")
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
    return ApiError(status, detail or f"The API refused the request (HTTP {status}).", details=problem)
