"""Where `submit` reads its tasks from: options, a file or stdin. All are checked before the first is sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ftask.cli.usage import UsageError
from ftask.core.errors import FtaskError, PayloadError
from ftask.core.payload import encode_payload, parse_payload
from ftask.dead_letters.drain import MARK, VERSION
from ftask.ops.rejected import Rejected
from ftask.ops.submit import InputTask

_MARK = f'"{MARK}"'.encode()


def read_tasks(
    message: str | None,
    payload: str | None,
    file: str | None,
    warn: Callable[[str], None],
    reject: Callable[[Rejected], None] | None = None,
) -> list[InputTask]:
    """Return the tasks to submit, valid and in order; `warn` gets a line for each letter without a task.

    Invalid lines of a file go to `reject`; without it, and from stdin, the first of them is an error.

    Raises:
        FtaskError: a file cannot be read, or a payload is invalid.
        UsageError: several sources were named, or none and stdin is a terminal.
    """
    if sum(source is not None for source in (message, payload, file)) > 1:
        raise UsageError("Give only one of --message, --payload and --file.")
    if message is not None:
        return [InputTask(encode_payload({"message": message}))]
    if file is not None:
        lines = (sys.stdin.buffer.read() if file == "-" else _read(file)).splitlines()
        return list(_from_lines(lines, warn, None if file == "-" else reject))
    if payload is None:
        if sys.stdin.isatty():
            raise UsageError("Nothing to submit: give --message, --payload or --file, or pipe in a JSON object.")
        payload = "-"
    if payload == "-":
        return [_checked(sys.stdin.buffer.read())]
    if payload.startswith("@"):
        return [_checked(_read(payload[1:]))]
    return [_checked(payload)]


def _checked(text: str | bytes) -> InputTask:
    return InputTask(encode_payload(parse_payload(text)))


def _from_lines(
    lines: Iterable[bytes], warn: Callable[[str], None], reject: Callable[[Rejected], None] | None
) -> Iterator[InputTask]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            task = _drained(line) if _MARK in line else _checked(line)
        except PayloadError as error:
            if reject is None:
                raise type(error)(f"Line {number}: {error.message}", error.hint) from None
            reject(Rejected(number, line.decode("utf-8", "replace"), error.message))
            continue
        if task is None:
            warn(f"Skipped line {number}: a dead letter without a payload.")
        else:
            yield replace(task, line=number)


def _drained(line: bytes) -> InputTask | None:
    """Return the task of a line that `ftask dlq drain` wrote, with a key by which the same line is the same task.

    None if the letter was not a task, or its task was gone.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return _checked(line)
    if not isinstance(fields, dict) or fields.get(MARK) != VERSION:
        return _checked(line)
    if "payload" not in fields:
        return None
    task = _checked(json.dumps(fields["payload"], ensure_ascii=False))
    return replace(task, key=f"drained-{fields.get('taskId')}-{fields.get('epoch')}")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FtaskError(f"Cannot read {path}: {error.strerror}.") from error
