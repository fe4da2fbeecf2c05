"""A task on the command line: `[TYPE] key=value key:=json …`, or `--payload`."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ftask.cli.usage import InvalidOptionError, UsageError
from ftask.core.payload import JsonObject, parse_payload

EXPECTED = "key=value or key:=json"


def split_type(words: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the task type, None if the first of `words` is an argument already, and the arguments."""
    if words and "=" not in words[0]:
        return words[0], list(words[1:])
    return None, list(words)


def parse_arguments(arguments: Sequence[str]) -> JsonObject:
    """Return the payload that these arguments make: `key=value` is a text, `key:=json` any JSON value."""
    payload: JsonObject = {}
    for argument in arguments:
        key, equals, text = argument.partition("=")
        is_json = key.endswith(":")
        key = key.removesuffix(":")
        if not (key and equals):
            raise InvalidOptionError("argument", argument, EXPECTED)
        if key in payload:
            raise UsageError(f"Argument {key!r} is given twice.")
        payload[key] = _json_value(argument, key, text) if is_json else text
    # The same checks as for a payload that comes as JSON.
    return parse_payload(json.dumps(payload))


def as_json(problem: str, arguments: Iterable[str]) -> str | None:
    """Return how to write the argument that `problem` is about as JSON; None if it is about none, or no JSON."""
    for argument in arguments:
        key, _, text = argument.partition("=")
        if f"{key!r} takes " in problem:
            with suppress(ValueError, RecursionError):
                json.loads(text)
                return f"For JSON, write: {key}:={text}"
    return None


def read_payload(text: str) -> JsonObject:
    """Return the payload of `--payload`: JSON, `@FILE`, or `-` for stdin."""
    if text == "-":
        return parse_payload(b"".join(utf8_lines(sys.stdin.buffer, "stdin")))
    return parse_payload(b"".join(read_lines(text[1:])) if text.startswith("@") else text)


def read_lines(path: str) -> Iterator[bytes]:
    """Open a file, and return its lines, each with its end; see :func:`utf8_lines`."""
    try:
        return _lines_of(Path(path).open("rb"), path)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error


def _lines_of(file: IO[bytes], path: str) -> Iterator[bytes]:
    try:
        with file:
            yield from utf8_lines(file, path)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}.") from error


def utf8_lines(lines: Iterable[bytes], source: str) -> Iterator[bytes]:
    """Yield the lines, the first one without a byte order mark, which editors and PowerShell write."""
    for number, line in enumerate(lines):
        if number == 0 and (line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in line[:2]):
            raise UsageError(f"{source} is UTF-16; expected UTF-8.", "Convert it with: iconv -f UTF-16 -t UTF-8")
        yield line.removeprefix(codecs.BOM_UTF8) if number == 0 else line


def _json_value(argument: str, key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(
            f"Invalid argument {argument!r}: the value is not JSON.", f"For a text, write: {key}=VALUE"
        ) from None
