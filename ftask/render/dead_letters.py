"""Failed tasks and dead letters as a person reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ftask.core.failed_index import FailedTask
from ftask.core.redrive import RedriveOutcome
from ftask.core.timestamps import to_iso
from ftask.dead_letters.grouping import Group
from ftask.dead_letters.peek import Peeked
from ftask.render.tasks import detail
from ftask.render.times import duration

OUTCOMES = {
    RedriveOutcome.REDRIVEN: "redriven",
    RedriveOutcome.STALE: "stale and discarded",
    RedriveOutcome.SKIPPED: "not selected",
    RedriveOutcome.UNSETTLED: "still being settled",
    RedriveOutcome.UNKNOWN: "not a task, or its task is gone",
    RedriveOutcome.UNSENT: "not taken by the queue",
}


def group_json(group: Group) -> dict[str, Any]:
    return {
        "type": group.type,
        "message": group.message,
        "count": group.count,
        "firstAt": to_iso(group.first_at),
        "lastAt": to_iso(group.last_at),
        "example": group.example,
    }


def failed_table(tasks: Sequence[FailedTask], now: datetime) -> RenderableType:
    """One failed task a row."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column("task", no_wrap=True)
    table.add_column("failed", justify="right", no_wrap=True)
    table.add_column("attempts", justify="right", no_wrap=True)
    table.add_column("error", overflow="ellipsis", no_wrap=True, ratio=1)
    for task in tasks:
        attempts = f"{task.attempts}" + (f", redriven {task.epoch}×" if task.epoch else "")
        table.add_row(task.task_id, _ago(task.failed_at, now), attempts, Text(task.text, style="red"))
    return table


def group_table(groups: Sequence[Group], now: datetime) -> RenderableType:
    """Two lines a kind of failure, so that it reads on a narrow terminal too."""
    table = _blocks()
    for group in groups:
        what = Text(f"{group.type}: {group.message}", style="red")
        when = _ago(group.last_at, now)
        if group.count > 1:
            when = f"first {_ago(group.first_at, now)}, last {when}"
        what.append(f"\n{when}; for example {group.example}", style="dim")
        table.add_row(f"{group.count:,}", what)
    return table


def letters_table(letters: Sequence[Peeked], now: datetime) -> RenderableType:
    """Two lines a message, and its body where it is not a task."""
    table = _blocks()
    for number, letter in enumerate(letters, 1):
        said = [letter.attributes.get(name) for name in ("errorType", "errorMessage")]
        what = Text(letter.task_id or f"not a task: {letter.reason}", style="" if letter.task_id else "yellow")
        what.append("  " + (": ".join(filter(None, said)) or "no reason given"), style="red")
        what.append(f"\nsent {_ago(letter.sent_at, now)}, message {letter.message_id}", style="dim")
        if letter.task_id is None:
            what.append(f"\n{letter.body[:200]}")
        table.add_row(str(number), what)
    return table


def shown(task: Mapping[str, Any], letter: Mapping[str, Any] | None, log: Sequence[Text]) -> RenderableType:
    """Everything about one failed task, from its JSON form."""
    parts: list[RenderableType] = [detail(task)]
    if letter is None:
        parts.append(Padding(Text("no dead letter was found", style="yellow"), (1, 2, 0, 2)))
    else:
        facts = Table.grid(padding=(0, 2))
        facts.add_column(style="dim")
        facts.add_column(overflow="fold")
        facts.add_row("dead letter", letter["messageId"])
        facts.add_row("sent", letter["sentAt"])
        for name, value in letter["attributes"].items():
            facts.add_row(name, Text(value))
        parts.append(Padding(facts, (1, 0, 0, 0)))
    if log:
        parts.append(Padding(Text("\n").join(log), (1, 2, 0, 2)))
    return Lines(*parts)


def outcome_text(counts: Counter[RedriveOutcome]) -> Text:
    """What a redrive came to."""
    text = Text(f"{counts[RedriveOutcome.REDRIVEN]:,} redriven", style="green")
    for outcome, words in OUTCOMES.items():
        if outcome is not RedriveOutcome.REDRIVEN and counts[outcome]:
            style = "yellow" if outcome in (RedriveOutcome.UNSENT, RedriveOutcome.UNSETTLED) else "dim"
            text.append(f"   {counts[outcome]:,} {words}", style=style)
    return text


def _blocks() -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _ago(moment: datetime, now: datetime) -> str:
    return f"{duration((now - moment).total_seconds())} ago"
