"""Where `submit` gets its payloads from. All are checked before the first is sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ftask.cli.invocation import UsageError
from ftask.core.errors import FtaskError, PayloadError
from ftask.core.payload import encode_payload, parse_payload
from ftask.dead_letters.drain import MARK, VERSION

_MARK = f'"{MARK}"'.encode()


@dataclass(frozen=True, slots=True)
class Submission:
    """A payload as JSON text, its own idempotency key if it brings one, and the line of a file that it was."""

    payload: str
    key: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line of a file that is no task, and why."""

    line: int | None
    text: str
    reason: str

    def json(self) -> dict[str, Any]:
        return {"line": self.line, "reason": self.reason, "text": self.text}


def read_payloads(
    message: str | None,
    payload: str | None,
    file: str | None,
    warn: Callable[[str], None],
    reject: Callable[[Rejected], None] | None = None,
) -> list[Submission]:
    """What is to be submitted, valid and in order; `warn` is told of letters that hold no task.

    Bad lines of a file go to `reject`; without it, and from stdin, the first of them is an error.

    Raises:
        FtaskError: a file cannot be read, or a payload cannot be a task.
        UsageError: more than one source was named, or none and stdin is a terminal.
    """
    if sum(source is not None for source in (message, payload, file)) > 1:
        raise UsageError("Give one of --message, --payload and --file.")
    if message is not None:
        return [Submission(encode_payload({"message": message}))]
    if file is not None:
        lines = (sys.stdin.buffer.read() if file == "-" else _read(file)).splitlines()
        return list(_from_lines(lines, warn, None if file == "-" else reject))
    if payload is None:
        if sys.stdin.isatty():
            raise UsageError("Give one of --message, --payload and --file, or pipe a JSON object in.")
        payload = "-"
    if payload == "-":
        return [_checked(sys.stdin.buffer.read())]
    if payload.startswith("@"):
        return [_checked(_read(payload[1:]))]
    return [_checked(payload)]


def _checked(text: str | bytes) -> Submission:
    return Submission(encode_payload(parse_payload(text)))


def _from_lines(
    lines: Iterable[bytes], warn: Callable[[str], None], reject: Callable[[Rejected], None] | None
) -> Iterator[Submission]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found = _drained(line) if _MARK in line else _checked(line)
        except PayloadError as error:
            if reject is None:
                raise type(error)(f"Line {number}: {error.message}", error.hint) from None
            reject(Rejected(number, line.decode("utf-8", "replace"), error.message))
            continue
        if found is None:
            warn(f"Line {number} is a dead letter without a task that could be submitted; it is left out.")
        else:
            yield replace(found, line=number)


def _drained(line: bytes) -> Submission | None:
    """The task of a line that `ftask dlq drain` wrote, under a key that makes the same line the same task.

    None if the letter was no task, or its task was gone.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return _checked(line)
    if not isinstance(fields, dict) or fields.get(MARK) != VERSION:
        return _checked(line)
    if "payload" not in fields:
        return None
    payload = _checked(json.dumps(fields["payload"], ensure_ascii=False))
    return Submission(payload.payload, f"drained-{fields.get('taskId')}-{fields.get('epoch')}")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FtaskError(f"{path} cannot be read: {error.strerror}.") from error
