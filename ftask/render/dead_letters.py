"""Failed tasks and dead letters: `ftask dlq`, and `ftask ls` of failed tasks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from ftask.actions.peek import PeekedLetter
from ftask.core.events import EventName
from ftask.core.failed_index import FailedTask
from ftask.core.letters import Verdict
from ftask.core.model import EXPERIMENT_TYPE, Task
from ftask.core.text import plural
from ftask.core.timestamps import to_iso
from ftask.ops.logs import LogEvent
from ftask.render.logs import event_block
from ftask.render.statuses import have_types
from ftask.render.tables import add_numbers, block_table, fact_table, plain_table
from ftask.render.tasks import detail
from ftask.render.texts import ago, excerpt, one_line
from ftask.selection.error_kinds import FailureGroup

# What a redrive, a discard or a drain did about letters, except for those of the tasks that it changed.
VERDICTS: Mapping[Verdict, str] = {
    Verdict.STALE: "stale, deleted",
    Verdict.SKIPPED: "not selected",
    Verdict.UNSETTLED: "left: not yet written FAILED; run the command again in a minute",
    Verdict.UNKNOWN: "without a task in the table",
    Verdict.UNSENT: "rejected by SQS",
}
# What a dead letter says of its task now, where that is not what one expects.
STATES: Mapping[Verdict, str] = {
    Verdict.STALE: "stale: its task was redriven, removed or ended since; the next redrive or drain deletes it",
    Verdict.UNSETTLED: "unsettled: its worker has not written FAILED yet",
    Verdict.UNKNOWN: "its task is gone from the table",
}
# Kinds of error that are drawn.
MAX_KINDS = 20
_MAX_BODY_CHARACTERS = 200
_MAX_PAYLOAD_CHARACTERS = 160
# What a dead letter repeats of its task.
_OF_THE_TASK = frozenset({"taskId", "type", "epoch", "attempts", "errorType", "errorMessage", "failedAt"})


def group_json(group: FailureGroup, example: Task | None) -> dict[str, Any]:
    """Return the JSON form of one kind of failure; `example` is its newest task, None if that is gone."""
    return {
        "taskType": group.task_type,
        "type": group.type,
        "message": group.message,
        "count": group.count,
        "firstAt": to_iso(group.first_at),
        "lastAt": to_iso(group.last_at),
        "example": group.example,
        "payload": None if example is None or example.payload is None else json.loads(example.payload),
    }


def failed_table(tasks: Sequence[FailedTask], now: datetime, ids: Mapping[str, str]) -> RenderableType:
    """Draw one failed task per row; `ids` are their ids as they are shown."""
    table = plain_table(expand=True)
    table.add_column("task", no_wrap=True)
    with_types = have_types(task.type for task in tasks)
    if with_types:
        table.add_column("type", no_wrap=True)
    add_numbers(table, "failed", "attempts")
    table.add_column("error", overflow="ellipsis", no_wrap=True, ratio=1)
    for task in tasks:
        attempts = f"{task.attempts}" + (f" after {plural(task.epoch, 'redrive')}" if task.epoch else "")
        type_cell = [task.type] if with_types else []
        error = Text(one_line(task.text), style="red")
        table.add_row(ids[task.task_id], *type_cell, ago(task.failed_at, now), attempts, error)
    return table


def group_table(
    groups: Sequence[FailureGroup], examples: Mapping[str, Task], now: datetime, ids: Mapping[str, str]
) -> RenderableType:
    """Draw one kind of failure on three lines, which fit a narrow terminal too; the smallest ones are only counted.

    `examples` are the newest tasks of the groups, `ids` their ids as they are shown.
    """
    table = block_table()
    with_types = have_types(group.task_type for group in groups)
    for group in groups[:MAX_KINDS]:
        lines = Text(f"{group.task_type}  " if with_types else "")
        lines.append(group.text, style="red")
        times = ago(group.last_at, now)
        if group.count > 1:
            times = f"first {ago(group.first_at, now)}, last {times}"
        lines.append(f"\n{times}; newest {ids[group.example]}", style="dim")
        example = examples.get(group.example)
        if example is not None and example.payload is not None:
            lines.append(f"\n{excerpt(example.payload, _MAX_PAYLOAD_CHARACTERS)}")
        table.add_row(f"{group.count:,}", lines)
    if rest := groups[MAX_KINDS:]:
        table.add_row(
            f"{sum(group.count for group in rest):,}", f"of {plural(len(rest), 'other kind')}; -o json shows all"
        )
    return table


def letters_table(letters: Sequence[PeekedLetter], now: datetime, ids: Mapping[str, str]) -> RenderableType:
    """Draw one dead letter on two lines; a third one has the body of what is not a task, or an unusual state.

    `ids` are the ids of the tasks as they are shown.
    """
    table = block_table()
    for number, peeked in enumerate(letters, 1):
        letter, message = peeked.letter, peeked.message
        error = ": ".join(
            letter.attributes[name] for name in ("errorType", "errorMessage") if name in letter.attributes
        )
        lines = Text(ids[message.task_id]) if message else Text(f"not a task: {peeked.reason}", style="yellow")
        task_type = letter.attributes.get("type", EXPERIMENT_TYPE)
        if have_types([task_type]):
            lines.append(f"  {task_type}")
        lines.append(f"  {error or 'no reason given'}", style="red")
        sent = f"sent {ago(letter.sent_at, now)}, " if letter.sent_at else ""
        lines.append(f"\n{sent}message {letter.message_id}", style="dim")
        if message is None:
            lines.append(f"\n{excerpt(letter.body, _MAX_BODY_CHARACTERS)}")
        elif peeked.verdict in STATES:
            lines.append(f"\n{STATES[peeked.verdict]}", style="yellow")
        table.add_row(str(number), lines)
    return table


def shown(
    task: Mapping[str, Any], letter: Mapping[str, Any] | None, events: Sequence[LogEvent], now: datetime
) -> RenderableType:
    """Draw one failed task in full, from the JSON forms of the task and its dead letter, and what its attempts logged.

    Nothing is shown twice: neither the last error, nor what the letter and the events repeat of the task.
    """
    # A traceback that the task's own code logged stays with its message.
    raised = [event for event in events if event.name != EventName.LOG]
    tracebacks = [event.fields["traceback"] for event in raised if event.fields.get("traceback")]
    parts: list[RenderableType] = [detail(task, tracebacks[-1] if tracebacks else None, errors_once=True)]
    log = [_without_repetition(event, task) for event in events if event.name != EventName.ATTEMPT_FAILED]
    if letter is None and "removal" in task:
        pass  # it was deleted, or moved into a file
    elif letter is None:
        parts.append(Padding(Text("No dead letter for this task.", style="yellow"), (1, 2, 0, 2)))
    else:
        facts = fact_table()
        facts.add_row("dead letter", letter["messageId"])
        facts.add_row("sent", letter["sentAt"])
        for name, value in letter["attributes"].items():
            if name in _OF_THE_TASK:
                continue
            facts.add_row(name, Text(value))
        parts.append(Padding(facts, (1, 0, 0, 0)))
    if log:
        parts.append(Padding(Lines(*(event_block(event, now, width=80) for event in log)), (1, 2, 0, 2)))
    return Lines(*parts)


def _without_repetition(event: LogEvent, task: Mapping[str, Any]) -> LogEvent:
    repeated = {"taskId", "type"} if event.name == EventName.LOG else {"taskId", "type", "traceback"}
    if event.fields.get("errorMessage") == task.get("lastError", {}).get("message"):
        repeated |= {"errorType", "errorMessage"}
    fields = {name: value for name, value in event.fields.items() if name not in repeated}
    return replace(event, fields=fields)


def verdicts_json(done: str, counts: Counter[Verdict]) -> dict[str, Any]:
    """Return how many letters or tasks a command has `done`, like `redriven`, and how many have another verdict."""
    return {done: counts[Verdict.DONE]} | {str(verdict): counts[verdict] for verdict in VERDICTS}


def verdicts_text(done: str, counts: Counter[Verdict]) -> Text:
    """Return the same in words."""
    text = Text(f"{counts[Verdict.DONE]:,} {done}", style="green")
    for verdict, words in VERDICTS.items():
        if counts[verdict]:
            style = "yellow" if verdict in (Verdict.UNSENT, Verdict.UNSETTLED) else "dim"
            text.append(f"   {counts[verdict]:,} {words}", style=style)
    return text
