"""What a client sends: each call of the API as a request, before it is signed. No I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol, TypeVar
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import ReadOnlyCredentials

from ftask.core.payload import MAX_BATCH_BYTES, MAX_BATCH_TASKS, encode_payload
from ftask.core.timestamps import to_iso

# Of a bulk submission. Enough to hide the network, few enough for an account's fresh concurrency limit of ten.
BATCHES_AT_ONCE = 4
# What one request about tasks of known ids names.
MAX_IDS = 100
# Room for the frame, the key and the options of each task.
_FRAME_BYTES = 800
_JSON = {"content-type": "application/json"}

Duration = float | timedelta


class WithPayload(Protocol):
    """What goes into a batch."""

    @property
    def payload(self) -> str: ...


P = TypeVar("P", bound=WithPayload)


class TaskRequest(NamedTuple):
    """A task to submit: its payload as JSON text, its idempotency key, its type (None for the stage's default one).

    `options` has the other parameters of the submission, as the API names them.
    """

    payload: str
    key: str
    type: str | None = None
    options: Mapping[str, Any] = {}

    @property
    def is_unique(self) -> bool:
        return "unique" in self.options

    @property
    def own_key(self) -> str | None:
        """The key under which the caller may submit the task again."""
        return self.options.get("uniqueKey") if self.is_unique else self.key


@dataclass(frozen=True)
class NewTask:
    """A task for `submit_many`; its options are those of `submit`."""

    type: str | None
    payload: Mapping[str, Any]
    key: str | None = field(default=None, kw_only=True)
    delay: Duration | None = field(default=None, kw_only=True)
    at: datetime | None = field(default=None, kw_only=True)
    group: str | None = field(default=None, kw_only=True)
    tags: Mapping[str, str] | None = field(default=None, kw_only=True)
    unique: Literal["until_done"] | Duration | None = field(default=None, kw_only=True)

    def request(self, new_key: str) -> TaskRequest:
        """Return the request of the task, with its key; with `new_key` if it has none or is unique.

        Raises:
            PayloadError: the payload is too large, or has text that is not Unicode.
            TypeError, ValueError: the payload is not JSON, or an option is not valid.
        """
        options: dict[str, Any] = {}
        if self.delay is not None:
            options["delay"] = _seconds(self.delay)
        if self.at is not None:
            if self.at.tzinfo is None:
                raise ValueError(f"at={self.at!r} has no time zone: use datetime.now(UTC), for example.")
            options["at"] = to_iso(self.at)
        for name, value in (("group", self.group), ("tags", dict(self.tags) if self.tags else None)):
            if value is not None:
                options[name] = value
        payload = encode_payload(dict(self.payload))
        if self.unique is None:
            return TaskRequest(payload, self.key or new_key, self.type, options)
        # The key says which tasks are the same; each of them is submitted under a key of its own.
        options["unique"] = self.unique if isinstance(self.unique, str) else _seconds(self.unique)
        if self.key is not None:
            options["uniqueKey"] = self.key
        return TaskRequest(payload, new_key, self.type, options)


class Request(NamedTuple):
    """One request of the API. `path` has its query, ready to be signed."""

    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = {}


def submission(task: TaskRequest) -> Request:
    """Return the request that submits one task."""
    query = {name: value for name, value in (("type", task.type), *task.options.items()) if value is not None}
    if "tags" in query:
        query["tags"] = ",".join(f"{name}:{value}" for name, value in query["tags"].items())
    path = f"/tasks?{urlencode(sorted(query.items()), quote_via=quote, safe='')}" if query else "/tasks"
    return Request("POST", path, task.payload.encode(), {**_JSON, "idempotency-key": task.key})


def batch(tasks: Sequence[TaskRequest]) -> Request:
    """Return the request that submits up to 100 tasks."""
    body = f'{{"tasks":[{",".join(map(_batch_entry, tasks))}]}}'
    return Request("POST", "/tasks/batch", body.encode(), _JSON)


def post(path: str, body: Mapping[str, Any]) -> Request:
    return Request("POST", path, json.dumps(body, separators=(",", ":")).encode(), _JSON)


def task_path(task_id: str) -> str:
    return f"/tasks/{quote(task_id, safe='')}"


def batches(tasks: Iterable[P]) -> Iterator[list[P]]:
    """Yield the tasks in batches that one request can carry, read as they are needed."""
    chunk: list[P] = []
    size = 0
    for task in tasks:
        task_bytes = len(task.payload.encode()) + _FRAME_BYTES
        if chunk and (len(chunk) == MAX_BATCH_TASKS or size + task_bytes > MAX_BATCH_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(task)
        size += task_bytes
    if chunk:
        yield chunk


def signed(
    request: Request, url: str, region: str, credentials: ReadOnlyCredentials | None, token: str | None
) -> AWSPreparedRequest:
    """Return the request as it is sent to the API at `url`: signed, with the bearer token, or with neither."""
    made: Any = AWSRequest(method=request.method, url=url + request.path, data=request.body, headers=request.headers)
    if token is not None:
        made.headers["authorization"] = f"Bearer {token}"
    elif credentials is not None:
        signer: Any = SigV4Auth(credentials, "execute-api", region)
        signer.add_auth(made)
    prepared: AWSPreparedRequest = made.prepare()
    return prepared


def _batch_entry(task: TaskRequest) -> str:
    named = {"type": task.type} if task.type is not None else {}
    fields = json.dumps({**named, **task.options, "idempotencyKey": task.key}, separators=(",", ":"))
    # The payload is sent unparsed: parsed and written again, a number might become another.
    return f'{{"payload":{task.payload},{fields[1:]}'


def _seconds(duration: Duration) -> float:
    # To the millisecond, as the API keeps times: its query has no exponents, and 0.00005 would be written as 5e-05.
    return round(duration.total_seconds() if isinstance(duration, timedelta) else float(duration), 3)
