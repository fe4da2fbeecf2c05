"""Where `submit` gets its payloads from. All are checked before the first is sent."""

from __future__ import annotations

import sys
from pathlib import Path

from ftask.cli.invocation import UsageError
from ftask.core.errors import FtaskError, PayloadError
from ftask.core.payload import encode_payload, parse_payload


def read_payloads(message: str | None, payload: str | None, file: str | None) -> list[str]:
    """The payloads as JSON texts, valid and in order.

    Raises:
        FtaskError: a file cannot be read, or a payload cannot be a task.
        UsageError: more than one source was named, or none and stdin is a terminal.
    """
    if sum(source is not None for source in (message, payload, file)) > 1:
        raise UsageError("Give one of --message, --payload and --file.")
    if message is not None:
        return [_checked_payload({"message": message})]
    if file is not None:
        lines = (sys.stdin.buffer.read() if file == "-" else _read(file)).splitlines()
        return [_checked(line, f"Line {number}: ") for number, line in enumerate(lines, 1) if line.strip()]
    if payload is None:
        if sys.stdin.isatty():
            raise UsageError("Give one of --message, --payload and --file, or pipe a JSON object in.")
        payload = "-"
    if payload == "-":
        return [_checked(sys.stdin.buffer.read(), "")]
    if payload.startswith("@"):
        return [_checked(_read(payload[1:]), "")]
    return [_checked(payload, "")]


def _checked(text: str | bytes, where: str) -> str:
    try:
        return _checked_payload(parse_payload(text))
    except PayloadError as error:
        raise type(error)(f"{where}{error.message}", error.hint) from None


def _checked_payload(payload: dict[str, object]) -> str:
    return encode_payload(payload)


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FtaskError(f"{path} cannot be read: {error.strerror}.") from error
