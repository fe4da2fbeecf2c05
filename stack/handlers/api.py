"""The API function: an HTTP API event in (payload format 2.0), an HTTP answer out."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ftask.core.clients import Clients
from ftask.core.codec import TASK_ID, task_to_json
from ftask.core.dynamodb import DynamoStore
from ftask.core.errors import FtaskError, IdempotencyConflictError, PayloadError, PayloadTooLargeError
from ftask.core.metrics import Meter, Usage
from ftask.core.payload import parse_payload
from ftask.core.ports import Store
from ftask.core.settings import ApiSettings
from ftask.core.sqs import SqsQueue
from ftask.core.submission import Submitter
from ftask.core.text import printable
from ftask.core.timestamps import now, to_iso

RETRY_AFTER_SECONDS = 2

Event = dict[str, Any]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Api:
    """What the routes need."""

    store: Store
    submitter: Submitter
    meter: Meter

    def answer(self, event: Event) -> Answer:
        """The HTTP answer to `event`; every error as problem details (RFC 9457)."""
        with self.meter.invocation():
            return self._routed(event)

    def _routed(self, event: Event) -> Answer:
        routes: dict[str, Callable[[Event], Answer]] = {
            "POST /tasks": self._submit,
            "GET /tasks/{taskId}": self._get,
        }
        route = routes.get(event.get("routeKey", ""))
        if route is None:
            return problem(HTTPStatus.NOT_FOUND, "There is no such route.")
        try:
            return route(event)
        except PayloadTooLargeError as error:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, error)
        except PayloadError as error:
            return problem(HTTPStatus.BAD_REQUEST, error)
        except IdempotencyConflictError as error:
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, error)
        except (BotoCoreError, ClientError) as error:
            self.meter.observe(
                "infrastructureFailed",
                level="ERROR",
                errorType=type(error).__name__,
                errorMessage=printable(str(error), 1024),
            )
            return problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The request could not be carried out just now; nothing was accepted. Send it again.",
                {"retry-after": str(RETRY_AFTER_SECONDS)},
            )

    def _submit(self, event: Event) -> Answer:
        headers = event.get("headers") or {}
        if not _is_json(headers.get("content-type")):
            return problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "Send the task as JSON, with the header content-type: application/json.",
            )
        payload = parse_payload(_body(event))
        task = self.submitter.submit(payload, headers.get("idempotency-key"))
        self.meter.observe("accepted", taskId=task.task_id, epoch=task.epoch)
        accepted = {"taskId": task.task_id, "status": str(task.status), "createdAt": to_iso(task.created_at)}
        # Relative to the request's own URL, so that it holds behind every stage, domain and proxy.
        return _answer(HTTPStatus.ACCEPTED, accepted, {"location": f"tasks/{task.task_id}"})

    def _get(self, event: Event) -> Answer:
        task_id = (event.get("pathParameters") or {}).get("taskId", "")
        task = self.store.get(task_id) if TASK_ID.fullmatch(task_id) else None
        if task is None:
            return problem(HTTPStatus.NOT_FOUND, f"There is no task {printable(task_id, 64)}.")
        return _answer(HTTPStatus.OK, task_to_json(task))


@cache
def api() -> Api:
    """The API of this process, made at its first invocation."""
    settings = ApiSettings.from_environment(os.environ)
    usage = Usage()
    clients = Clients(1, usage)
    store = DynamoStore(clients.dynamodb, settings.table)
    queue = SqsQueue(clients.sqs, settings.queue_url)
    submitter = Submitter(store, queue, now, settings.max_attempts, settings.retention)
    return Api(store, submitter, Meter(settings.stack, usage))


def handler(event: Event, context: Any) -> Answer:
    return api().answer(event)


def problem(status: HTTPStatus, error: FtaskError | str, headers: dict[str, str] | None = None) -> Answer:
    """Problem details: https://www.rfc-editor.org/rfc/rfc9457"""
    detail = error if isinstance(error, str) else " ".join(filter(None, (error.message, error.hint)))
    body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    return _answer(status, body, {"content-type": "application/problem+json", **(headers or {})})


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
    except binascii.Error:
        raise PayloadError("The body is marked as base64 and is not.") from None


def _is_json(content_type: str | None) -> bool:
    # Absent is accepted: the body itself must be JSON anyway.
    if content_type is None:
        return True
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))
