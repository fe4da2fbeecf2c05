"""The payload of a task: one JSON object that every store and every client reads back the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Any

from ftask.core.due import Due, DueError, parse_due
from ftask.core.errors import InvalidInputError, PayloadError, PayloadTooLargeError
from ftask.core.labels import NAMES, LabelError, Labels, parse_labels

MAX_PAYLOAD_BYTES = 256 * 1024
MAX_BATCH_TASKS = 100
# A Lambda event carries 6 MB, and the body is a JSON string in it, where each quotation mark takes two bytes.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_BATCH_BYTES = 3 * 1024 * 1024
# Deeper than any honest payload; far from the recursion limits of common JSON parsers.
MAX_DEPTH = 100

_ENTRY_FIELDS = ("payload", "idempotencyKey", "type", "delay", "at", *NAMES)

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Submission:
    """One task as a client asks for it.

    Without a `type`, it is of the deployment's default type; without `due`, it may begin at once.
    """

    payload: JsonObject
    idempotency_key: str | None = None
    type: str | None = None
    labels: Labels = field(default_factory=Labels)
    due: Due | None = None


def parse_payload(text: str | bytes) -> JsonObject:
    """Return the JSON object in `text`.

    Raises:
        PayloadTooLargeError: more than 256 KiB.
        PayloadError: not JSON, not an object, nested deeper than 100 levels, or holding something that
            JSON cannot carry from one system to the next (NaN, infinities, unpaired surrogates).
    """
    size = _size(text)
    if size > MAX_PAYLOAD_BYTES:
        raise _too_large(size)
    value = _load(text)
    if not isinstance(value, dict):
        raise PayloadError(
            f"The payload is {_json_type(value)}, not an object.",
            'Send an object, like {"message": "SUCCESS"}.',
        )
    if _depth_exceeds(value, MAX_DEPTH):
        raise _too_deep()
    return value


def parse_batch(text: str | bytes, now: datetime) -> list[Submission | InvalidInputError]:
    """Return the tasks of `{"tasks": [{"payload": …, "idempotencyKey": …, "type": …, "delay": …}, …]}`, in order.

    In the place of a task that is not valid, the error says why.

    Raises:
        PayloadTooLargeError: more than 3 MiB.
        PayloadError: not JSON, or not of this form with 1 to 100 tasks.
    """
    size = _size(text)
    if size > MAX_BATCH_BYTES:
        raise PayloadTooLargeError(
            f"The batch has {size:,} bytes; a batch may have {MAX_BATCH_BYTES:,}.", "Send fewer tasks in one request."
        )
    value = _load(text)
    entries = value.get("tasks") if isinstance(value, dict) else None
    if not isinstance(entries, list) or not 0 < len(entries) <= MAX_BATCH_TASKS:
        raise PayloadError(
            f"Invalid batch: expected an object whose `tasks` is a list of 1 to {MAX_BATCH_TASKS} tasks.",
            'Example: {"tasks": [{"payload": {"message": "SUCCESS"}}]}',
        )
    return [_entry(entry, now) for entry in entries]


def _entry(entry: object, now: datetime) -> Submission | InvalidInputError:
    if not isinstance(entry, dict) or not isinstance(payload := entry.get("payload"), dict):
        return PayloadError("Invalid task: expected an object whose `payload` is an object.")
    if unknown := sorted(entry.keys() - set(_ENTRY_FIELDS)):
        return PayloadError(f"Unknown field {unknown[0][:64]!r} of a task. Supported: {', '.join(_ENTRY_FIELDS)}.")
    key, task_type = entry.get("idempotencyKey"), entry.get("type")
    for name, value in (("idempotencyKey", key), ("type", task_type)):
        if not (value is None or isinstance(value, str)):
            return PayloadError(f"Invalid {name}: expected a string.")
    try:
        labels, due = parse_labels(entry), parse_due(entry.get("delay"), entry.get("at"), now)
    except (LabelError, DueError) as error:
        return error
    return _too_deep() if _depth_exceeds(payload, MAX_DEPTH) else Submission(payload, key, task_type, labels, due)


def encode_payload(payload: JsonObject) -> str:
    """Return the compact JSON text that is stored for `payload`.

    Raises:
        PayloadTooLargeError: the text is longer than 256 KiB.
        PayloadError: a string holds half of a surrogate pair, which UTF-8 cannot express.
    """
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise PayloadError("The payload holds an unpaired surrogate, which is not valid text.") from None
    if size > MAX_PAYLOAD_BYTES:
        raise _too_large(size)
    return text


def payload_hash(payload: JsonObject) -> str:
    """Return a digest, 32 hexadecimal digits, that is equal for equal payloads in any order of their keys."""
    canonical = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def _size(text: str | bytes) -> int:
    return len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))


def _load(text: str | bytes) -> Any:
    """Return the JSON value in `text`, if every store and client reads it back the same."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite_float)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise PayloadError("The payload is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise PayloadError(
            f"The payload is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except ValueError:  # an integer longer than sys.get_int_max_str_digits()
        raise PayloadError("The payload holds an integer with too many digits.") from None


def _refuse_constant(name: str) -> float:
    raise PayloadError(f"The payload holds {name}, which is not JSON.")


def _finite_float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise PayloadError(f"The payload holds the number {text[:40]}, which is too large for a JSON client.")
    return value


def _depth_exceeds(value: JsonObject, limit: int) -> bool:
    """Level by level, without recursion: the value may be deeper than the stack."""
    level: list[Any] = [value]
    for _ in range(limit):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names[type(value)]


def _too_deep() -> PayloadError:
    return PayloadError(f"The payload is nested deeper than {MAX_DEPTH} levels.")


def _too_large(size: int) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"The payload has {size:,} bytes; a task may have {MAX_PAYLOAD_BYTES:,}.",
        "Keep large data in S3 and put its key into the payload.",
    )
