"""Ids of tasks that another command prints: `ftask ls … | ftask cancel -`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from ftask.cli.task_arguments import utf8_lines
from ftask.cli.usage import UsageError
from ftask.core.codec import TASK_ID
from ftask.core.text import shortened

# What the first line of a record of accepted tasks has; see :mod:`ftask.ops.ledger`.
LEDGER_MARK = "ftaskAccepted"
# What stands for stdin among the arguments.
STDIN = "-"
# The heading of the first column of a table.
_HEADING = "task"
_EXPECTED = "Expected a table of ftask whose first column is task, its JSON, or one id per line."


def read_ids() -> list[str]:
    """Return the ids on stdin; see :func:`parse_ids`.

    Raises:
        UsageError: stdin is a terminal, or has something else than ids.
    """
    if sys.stdin.isatty():
        raise UsageError("No ids on stdin: it is a terminal.", "Pipe them in: ftask ls --status PENDING | ftask …")
    return parse_ids(b"".join(utf8_lines(sys.stdin.buffer, "stdin")).decode(errors="replace"))


def parse_ids(text: str) -> list[str]:
    """Return the ids in `text`, each once: in a table that ftask prints, in its JSON, or one per line.

    The record of accepted tasks that `submit --file` keeps is such JSON.

    Of a row, the first word is the id. A line may also have several whole ids and nothing else.

    Raises:
        UsageError: a line does not begin with an id, or the JSON has no ids.
    """
    is_json = text.lstrip()[:1] in ("[", "{")
    return list(dict.fromkeys(_ids_of_json(text) if is_json else _ids_of_lines(text)))


def _ids_of_lines(text: str) -> Iterator[str]:
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    is_table = bool(lines) and lines[0][1].split()[0] == _HEADING
    for number, line in lines[1:] if is_table else lines:
        words = line.split()
        # An id that stands elsewhere in a table is one that a text mentions.
        is_row = not (is_table and line[0].isspace())
        if is_row and all(TASK_ID.fullmatch(word) for word in words):
            yield from words
        elif is_row and (TASK_ID.fullmatch(words[0]) or len(words) == 1):
            # One word may be the first digits of an id. More words than that are a text.
            yield words[0]
        else:
            said = shortened(" ".join(words), 60)
            raise UsageError(f"Line {number} of stdin does not begin with the id of a task: {said!r}", _EXPECTED)


def _ids_of_json(text: str) -> Iterator[str]:
    decoder = json.JSONDecoder()
    rest = text.strip()
    while rest:
        try:
            value, end = decoder.raw_decode(rest)
        except (ValueError, RecursionError):
            raise UsageError("stdin begins as JSON and is not.", _EXPECTED) from None
        rest = rest[end:].lstrip()
        for element in value if isinstance(value, list) else [value]:
            if not (isinstance(element, dict) and LEDGER_MARK in element):
                yield _id_of(element)


def _id_of(element: Any) -> str:
    task_id = element.get("taskId") if isinstance(element, dict) else element
    if not (isinstance(task_id, str) and TASK_ID.fullmatch(task_id)):
        raise UsageError("The JSON on stdin has an element without the id of a task.", _EXPECTED)
    return task_id
