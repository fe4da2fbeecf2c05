"""Ids of tasks on stdin, as another command prints them: `ftask ls … | ftask cancel -`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from ftask.cli.task_arguments import utf8_lines
from ftask.cli.usage import UsageError
from ftask.core.codec import TASK_ID
from ftask.core.text import shortened
from ftask.submission.job import recorded_ids

# What stands for stdin among the arguments.
STDIN = "-"
_EXPECTED = "Expected one id per line, or the JSON that ftask prints."


def read_ids() -> list[str]:
    """Return the ids on stdin: of the record of accepted tasks that `submit --file` keeps, or see :func:`parse_ids`."""
    if sys.stdin.isatty():
        raise UsageError("No ids on stdin: it is a terminal.", "Pipe them in: ftask ls --status PENDING | ftask …")
    content = b"".join(utf8_lines(sys.stdin.buffer, "stdin"))
    recorded = recorded_ids(content)
    return parse_ids(content.decode(errors="replace")) if recorded is None else recorded


def parse_ids(text: str) -> list[str]:
    """Return the ids in `text`, each once: the first word of each line, or of the tasks in JSON or JSON lines."""
    is_json = text.lstrip()[:1] in ("[", "{")
    return list(dict.fromkeys(_ids_of_json(text) if is_json else _ids_of_lines(text)))


def _ids_of_lines(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        # One word may be the first digits of an id. More words than that are a text.
        if words and not TASK_ID.fullmatch(words[0]) and len(words) > 1:
            said = shortened(" ".join(words), 60)
            raise UsageError(f"Line {number} of stdin does not begin with the id of a task: {said!r}", _EXPECTED)
        yield from words[:1]


def _ids_of_json(text: str) -> Iterator[str]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        try:
            values = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (ValueError, RecursionError):
            raise UsageError("stdin begins as JSON and is not.", _EXPECTED) from None
    for element in values if isinstance(values, list) else [values]:
        yield _id_of(element)


def _id_of(element: Any) -> str:
    task_id = element.get("taskId") if isinstance(element, dict) else element
    if not (isinstance(task_id, str) and TASK_ID.fullmatch(task_id)):
        raise UsageError("The JSON on stdin has an element without the id of a task.", _EXPECTED)
    return task_id
