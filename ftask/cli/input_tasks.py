"""Where `submit` reads its tasks from: arguments, options, a file or stdin."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ftask.actions.drain import MARK, VERSION
from ftask.cli.task_arguments import parse_arguments, read_lines, read_payload, utf8_lines
from ftask.cli.usage import UsageError
from ftask.core.due import parse_due
from ftask.core.errors import InvalidInputError, PayloadError
from ftask.core.labels import NAMES as LABELS
from ftask.core.labels import parse_labels
from ftask.core.model import EXPERIMENT_TYPE
from ftask.core.payload import JsonObject, encode_payload, parse_payload
from ftask.core.timestamps import now
from ftask.submission.job import InputTask, Rejected

_MARK = f'"{MARK}"'.encode()
# The fields of a line that names the type of its task. Any other object is a payload.
_TYPED = frozenset({"type", "payload"})
DUE_FIELDS = ("delay", "at")
_OPTIONS = (*DUE_FIELDS, *LABELS)
_KEYED = _TYPED | {"idempotencyKey", *_OPTIONS}


@dataclass(frozen=True, slots=True)
class Sources:
    """What the command line names: the task type, None for the stage's default, and one source of payloads."""

    type: str | None = None
    arguments: Sequence[str] = ()
    message: str | None = None
    payload: str | None = None
    file: str | None = None


def read_tasks(
    sources: Sources, warn: Callable[[str], None], reject: Callable[[Rejected], None]
) -> Iterable[InputTask]:
    """Return the tasks to submit, in order, read as they are needed; `warn` gets a line for each letter without a task.

    Invalid lines of a file go to `reject`; from stdin, the first of them is an error.
    """
    options = [source for source in (sources.message, sources.payload, sources.file) if source is not None]
    if len(options) + bool(sources.arguments) > 1:
        raise UsageError("Give only one of key=value arguments, --message, --payload and --file.")
    if sources.message is not None:
        return [_of_message(sources.message, sources.type)]
    if sources.file == "-":
        return _from_lines(utf8_lines(sys.stdin.buffer, "stdin"), sources.type, warn, None)
    if sources.file is not None:
        return _from_lines(read_lines(sources.file), sources.type, warn, reject)
    return [InputTask(encode_payload(_one_payload(sources)), type=sources.type)]


def _one_payload(sources: Sources) -> JsonObject:
    if sources.arguments:
        return parse_arguments(sources.arguments)
    if sources.payload is not None:
        return read_payload(sources.payload)
    is_terminal = sys.stdin.isatty()
    content = b"" if is_terminal else b"".join(utf8_lines(sys.stdin.buffer, "stdin"))
    if sources.type is not None and not content.strip():
        return {}  # the task takes no arguments
    if is_terminal:
        raise UsageError("Nothing to submit: give TYPE, --message, --payload or --file, or pipe in a JSON object.")
    return parse_payload(content)


def _of_message(message: str, task_type: str | None) -> InputTask:
    if task_type not in (None, EXPERIMENT_TYPE):
        raise UsageError(
            f"--message is for the type {EXPERIMENT_TYPE}, not for {task_type!r}.",
            f"Give the arguments of {task_type} as key=value, or --payload.",
        )
    return InputTask(encode_payload({"message": message}), type=EXPERIMENT_TYPE)


def _checked(text: str | bytes) -> InputTask:
    """Return the task of a line: a payload, or an object of `type` and `payload`."""
    fields = parse_payload(text)
    if not _TYPED <= fields.keys() <= _KEYED:
        return InputTask(encode_payload(fields))
    task_type, payload, key = fields["type"], fields["payload"], fields.get("idempotencyKey")
    if not (isinstance(task_type, str) and isinstance(payload, dict) and isinstance(key, str | None)):
        raise PayloadError(
            "Invalid task: expected a string as `type`, an object as `payload` and, if it is there, a string as "
            "`idempotencyKey`."
        )
    parse_due(fields.get("delay"), fields.get("at"), now())
    labels = parse_labels(fields)
    fields["tags"] = dict(labels.tags) or None
    options = {name: fields[name] for name in _OPTIONS if fields.get(name) is not None}
    return InputTask(encode_payload(payload), key, type=task_type, options=options)


def _from_lines(
    lines: Iterable[bytes],
    default_type: str | None,
    warn: Callable[[str], None],
    reject: Callable[[Rejected], None] | None,
) -> Iterator[InputTask]:
    # A carriage return alone ends a line too.
    for number, line in enumerate((part for read in lines for part in read.splitlines()), 1):
        if not line.strip():
            continue
        try:
            task = _drained(line) if _MARK in line else _checked(line)
        except InvalidInputError as error:
            if reject is None:
                raise type(error)(f"Line {number}: {error.message}", error.hint) from None
            reject(Rejected(number, line.decode("utf-8", "replace"), error.message))
            continue
        if task is None:
            warn(f"Skipped line {number}: a dead letter without a payload.")
        else:
            yield task._replace(line=number, type=task.type or default_type)


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
    payload = parse_payload(json.dumps(fields["payload"], ensure_ascii=False))
    key, task_type = f"drained-{fields.get('taskId')}-{fields.get('epoch')}", fields.get("type")
    options = {name: fields[name] for name in ("group", "tags") if name in fields}
    parse_labels(options)
    return InputTask(
        encode_payload(payload), key, type=task_type if isinstance(task_type, str) else None, options=options
    )
