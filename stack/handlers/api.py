"""The API function: an HTTP API event in (payload format 2.0), an HTTP answer out."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ftask.core import events
from ftask.core.clients import Clients
from ftask.core.codec import TASK_ID, task_to_json
from ftask.core.deployed import read_manifest
from ftask.core.due import DueError, parse_due
from ftask.core.dynamodb import DynamoStore
from ftask.core.errors import (
    CursorError,
    FtaskError,
    IdempotencyConflictError,
    NotUniqueError,
    OutcomeUnknownError,
    PayloadError,
    PayloadTooLargeError,
    TemporarilyUnavailableError,
)
from ftask.core.failed_index import FailedIndex
from ftask.core.labels import NAMES, LabelError, parse_labels
from ftask.core.manifest import ArgumentsError, Manifest, UnknownTypeError, types_to_json
from ftask.core.metrics import Meter, Usage
from ftask.core.model import Status, Task
from ftask.core.payload import Submission, parse_batch, parse_payload
from ftask.core.ports import Store
from ftask.core.settings import ApiSettings
from ftask.core.sqs import SqsQueue
from ftask.core.submission import Submitter
from ftask.core.text import printable
from ftask.core.threads import CALLS_AT_ONCE, several_at_once
from ftask.core.timestamps import now, to_iso

RETRY_AFTER_SECONDS = 2
SUBMIT_ROUTE = "POST /tasks"
SUBMIT_PARAMETERS = ("type", "delay", "at", *NAMES)
LIST_PARAMETERS = ("status", "limit", "cursor")
DEFAULT_PAGE = 20
MAX_PAGE = 100
# Of the 6 MB that a function may answer. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_ANSWER_BYTES = 4 * 1024 * 1024
OPENAPI = Path(__file__).with_name("openapi.json")


class NotFoundError(FtaskError):
    """No task has this id, or the API has no such route."""


class QueryError(FtaskError):
    """A query parameter is unknown or not valid."""


class MediaTypeError(FtaskError):
    """The body is not declared as JSON."""


# The first class that fits counts: subclasses stand before their base class.
PROBLEMS: dict[type[FtaskError], tuple[HTTPStatus, str]] = {
    NotFoundError: (HTTPStatus.NOT_FOUND, "not-found"),
    MediaTypeError: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not-json"),
    PayloadTooLargeError: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large"),
    ArgumentsError: (HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-arguments"),
    UnknownTypeError: (HTTPStatus.UNPROCESSABLE_ENTITY, "unknown-type"),
    DueError: (HTTPStatus.BAD_REQUEST, "invalid-time"),
    PayloadError: (HTTPStatus.BAD_REQUEST, "invalid-body"),
    QueryError: (HTTPStatus.BAD_REQUEST, "invalid-query"),
    CursorError: (HTTPStatus.BAD_REQUEST, "invalid-cursor"),
    NotUniqueError: (HTTPStatus.CONFLICT, "not-unique"),
    LabelError: (HTTPStatus.BAD_REQUEST, "invalid-label"),
    IdempotencyConflictError: (HTTPStatus.UNPROCESSABLE_ENTITY, "key-conflict"),
    OutcomeUnknownError: (HTTPStatus.SERVICE_UNAVAILABLE, "outcome-unknown"),
    TemporarilyUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
}

Event = dict[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Api:
    """The routes, and what they need."""

    store: Store
    submitter: Submitter
    failed: FailedIndex
    meter: Meter

    def answer(self, event: Event, deadline: datetime | None = None) -> Answer:
        """Return the HTTP answer to `event`: every error as problem details (RFC 9457).

        At `deadline` this process is killed, and the client gets no answer of ours.
        """
        with self.meter.invocation():
            return self._routed(event, deadline)

    def _routed(self, event: Event, deadline: datetime | None) -> Answer:
        routes: dict[str, Callable[[Event], Answer]] = {
            SUBMIT_ROUTE: self._submit,
            "POST /tasks/batch": lambda event: self._submit_many(event, deadline),
            "POST /tasks/query": self._read_many,
            "GET /tasks": self._list,
            "GET /tasks/{taskId}": self._get,
            "GET /openapi.json": self._describe,
        }
        route = routes.get(event.get("routeKey", ""))
        if route is None:
            return refusal(NotFoundError(f"Unknown route {event.get('routeKey', '')!r}."))
        try:
            return route(event)
        except FtaskError as error:
            if isinstance(error.__cause__, BotoCoreError | ClientError):
                self.meter.observe(events.infrastructure_failed(error.__cause__))
            return refusal(error)
        except (BotoCoreError, ClientError) as error:
            self.meter.observe(events.infrastructure_failed(error))
            return refusal(
                TemporarilyUnavailableError("DynamoDB did not answer.", "Send it again after Retry-After seconds.")
            )

    def _submit(self, event: Event) -> Answer:
        headers = _headers(event)
        _require_json(headers)
        query = _query(event, SUBMIT_PARAMETERS)
        payload, key = parse_payload(_body(event)), headers.get("idempotency-key")
        due = parse_due(query.get("delay"), query.get("at"), self.submitter.clock())
        task = self.submitter.submit(Submission(payload, key, query.get("type"), parse_labels(query), due))
        # Relative to the request's own URL, so that it holds behind every stage, domain and proxy.
        return _answer(HTTPStatus.ACCEPTED, self._accepted(task), {"location": f"tasks/{task.task_id}"})

    def _submit_many(self, event: Event, deadline: datetime | None) -> Answer:
        _require_json(_headers(event))
        entries = parse_batch(_body(event), self.submitter.clock())
        submissions = [entry for entry in entries if isinstance(entry, Submission)]
        submitted = self.submitter.submit_many(submissions, deadline)
        causes = (outcome.__cause__ for outcome in submitted if isinstance(outcome, FtaskError))
        failures = [cause for cause in causes if isinstance(cause, BotoCoreError | ClientError)]
        if failures:
            # One line for them all: a throttled table refuses many tasks of a batch for the same reason.
            self.meter.observe(events.infrastructure_failed(failures[0]))
        outcomes = iter(submitted)
        results = [self._result(entry if isinstance(entry, FtaskError) else next(outcomes)) for entry in entries]
        return _answer(HTTPStatus.ACCEPTED, {"results": results})

    def _result(self, outcome: Task | FtaskError) -> dict[str, Any]:
        if isinstance(outcome, Task):
            return {"accepted": True, **self._accepted(outcome)}
        return {"accepted": False, "problem": _problem(outcome)}

    def _accepted(self, task: Task) -> dict[str, Any]:
        self.meter.observe(events.accepted(task))
        scheduled = {} if task.scheduled_at is None else {"scheduledAt": to_iso(task.scheduled_at)}
        created_at = to_iso(task.created_at)
        accepted = {"taskId": task.task_id, "type": task.type, "status": str(task.status), "createdAt": created_at}
        return accepted | scheduled

    def _get(self, event: Event) -> Answer:
        task_id = str((event.get("pathParameters") or {}).get("taskId", ""))
        task = self.store.get(task_id) if TASK_ID.fullmatch(task_id) else None
        if task is None:
            raise NotFoundError(f"Task {printable(task_id, 64)} does not exist.")
        return _answer(HTTPStatus.OK, task_to_json(self.store.with_payload(task)))

    def _read_many(self, event: Event) -> Answer:
        _require_json(_headers(event))
        query = parse_payload(_body(event))
        ids: Any = query.get("taskIds")
        with_results = query.get("results", False)
        is_list = isinstance(ids, list) and 0 < len(ids) <= MAX_PAGE and all(isinstance(each, str) for each in ids)
        if not is_list or not isinstance(with_results, bool) or query.keys() - {"taskIds", "results"}:
            raise PayloadError(
                f"Invalid query: expected `taskIds`, a list of 1 to {MAX_PAGE} ids, and if wanted `results`.",
                'Example: {"taskIds": ["…"], "results": true}',
            )
        known = [task_id for task_id in dict.fromkeys(ids) if TASK_ID.fullmatch(task_id)]
        shown, is_whole = self._summaries(known, with_results=with_results, consistent=False)
        if is_whole and (missing := [task_id for task_id in known if task_id not in shown]):
            # The cheap read may miss a task that was accepted a moment ago.
            more, is_whole = self._summaries(missing, with_results=with_results, consistent=True)
            shown |= more
        unread = [] if is_whole else [task_id for task_id in known if task_id not in shown]
        return _answer(HTTPStatus.OK, {"tasks": list(shown.values()), "unread": unread})

    def _summaries(self, task_ids: list[str], *, with_results: bool, consistent: bool) -> tuple[dict[str, Any], bool]:
        """Return the tasks without payload and history, by id, as far as an answer has room, and whether all have."""
        shown: dict[str, Any] = {}
        size = 0
        for task in self.store.get_many(task_ids, consistent=consistent):
            summary = task_to_json(replace(task, payload=None))
            del summary["history"]
            if not with_results:
                summary.pop("result", None)
            # As it is in the function's answer, where the body is a text of JSON.
            size += len(json.dumps(json.dumps(summary)))
            if size > MAX_ANSWER_BYTES and shown:
                return shown, False
            shown[task.task_id] = summary
        return shown, True

    def _list(self, event: Event) -> Answer:
        query = _query(event, LIST_PARAMETERS)
        if query.get("status") != Status.FAILED:
            raise QueryError("Only failed tasks can be listed.", "Send GET /tasks?status=FAILED.")
        limit = query.get("limit", str(DEFAULT_PAGE))
        if not (limit.isascii() and limit.isdecimal() and len(limit) < 4 and 0 < int(limit) <= MAX_PAGE):
            raise QueryError(f"Invalid limit {limit[:64]!r}: expected a number from 1 to {MAX_PAGE}.")
        tasks, cursor = self.failed.page(int(limit), query.get("cursor"))
        page: dict[str, Any] = {"tasks": [task.json() for task in tasks]}
        return _answer(HTTPStatus.OK, page if cursor is None else page | {"cursor": cursor})

    def _describe(self, event: Event) -> Answer:
        document = json.loads(OPENAPI.read_bytes())
        manifest = self.submitter.manifest
        document["components"]["schemas"]["TaskType"]["enum"] = manifest.names
        return _answer(HTTPStatus.OK, document | {"x-ftask-types": types_to_json(manifest)})


@cache
def _clients() -> Clients:
    return Clients(CALLS_AT_ONCE, Usage())


@cache
def api() -> Api:
    """Return the API of this process, made at its first invocation."""
    settings = ApiSettings.from_environment(os.environ)
    clients = _clients()
    store = DynamoStore(clients.dynamodb, settings.table)
    queue = SqsQueue(clients.sqs, settings.queue_url)
    manifest = (read_manifest() or Manifest()).with_experiment()
    submitter = Submitter(
        store, queue, now, settings.max_attempts, settings.retention, manifest, call_map=several_at_once
    )
    failed = FailedIndex(clients.dynamodb, settings.table)
    return Api(store, submitter, failed, Meter(settings.stack, clients.usage))


def handler(event: Event, context: Any) -> Answer:
    """Answer an HTTP API event: what Lambda calls."""
    deadline = now() + timedelta(milliseconds=context.get_remaining_time_in_millis())
    _clients().until(deadline)
    return api().answer(event, deadline)


def refusal(error: FtaskError) -> Answer:
    """Return the answer to a request that failed with `error`."""
    headers = {"content-type": "application/problem+json"}
    if isinstance(error, TemporarilyUnavailableError):
        headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    return _answer(_kind(error)[0], _problem(error), headers)


def _problem(error: FtaskError) -> dict[str, Any]:
    """Return problem details: https://www.rfc-editor.org/rfc/rfc9457"""
    status, name = _kind(error)
    detail = " ".join(filter(None, (error.message, error.hint)))
    problem: dict[str, Any] = {
        "type": f"/problems/{name}",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    if isinstance(error, NotUniqueError):
        problem["taskId"] = error.task_id
    # A task of a batch has no separate header.
    return problem | ({"retryAfter": RETRY_AFTER_SECONDS} if status is HTTPStatus.SERVICE_UNAVAILABLE else {})


def _kind(error: FtaskError) -> tuple[HTTPStatus, str]:
    for kind, status_and_name in PROBLEMS.items():
        if isinstance(error, kind):
            return status_and_name
    raise error


def _answer(status: HTTPStatus, body: Any, headers: dict[str, str] | None = None) -> Answer:
    return {
        "statusCode": int(status),
        "headers": {"content-type": "application/json", "cache-control": "no-store", **(headers or {})},
        "body": json.dumps(body, ensure_ascii=False),
    }


def _body(event: Event) -> str | bytes:
    body: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body, validate=True)
    except ValueError:  # binascii.Error is one too
        raise PayloadError("The body is marked as base64 but is not valid base64.") from None


def _headers(event: Event) -> dict[str, str]:
    # API Gateway makes the names lower case; not every emulator does.
    return {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}


def _query(event: Event, supported: Sequence[str]) -> Mapping[str, str]:
    """Return the query parameters. A misspelt one that is ignored would give the wrong task or the wrong list."""
    query: Mapping[str, str] = event.get("queryStringParameters") or {}
    if unknown := sorted(query.keys() - set(supported)):
        raise QueryError(f"Unknown query parameter {unknown[0][:64]!r}.", f"Supported: {', '.join(supported)}.")
    return query


def _require_json(headers: Mapping[str, str]) -> None:
    """Raise MediaTypeError if the body is declared as anything but JSON; without a header, the body itself decides."""
    media_type = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise MediaTypeError(
            f"Unsupported content type {media_type[:64]!r}.",
            "Send the header content-type: application/json.",
        )
