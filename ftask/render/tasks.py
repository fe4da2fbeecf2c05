"""Tasks as a person reads them: one in full, many at a glance, one line a change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ftask.core.model import Status, Task
from ftask.core.timestamps import from_iso
from ftask.render.durations import clock_time, duration

STYLES: Mapping[str, str] = {
    Status.PENDING: "cyan",
    Status.PROCESSING: "blue",
    Status.RETRYING: "yellow",
    Status.COMPLETED: "green",
    Status.FAILED: "bold red",
    Status.CANCELLED: "magenta",
}
# What may be known of a task beside its creation.
_MOMENTS = (
    ("next attempt", "nextAttemptAt"),
    ("completed", "completedAt"),
    ("failed", "failedAt"),
    ("cancel asked", "cancelRequestedAt"),
    ("cancelled", "cancelledAt"),
)
# Rows of a live table that leave a usual terminal room for its prompt.
MAX_LIVE_ROWS = 15


def status_text(status: str) -> Text:
    return Text(status, style=STYLES.get(status, ""))


def accepted(task_id: str, status: str) -> RenderableType:
    """The answer to one submission."""
    return Text.assemble(task_id, "  ", status_text(status))


def outcome(task: Task) -> RenderableType:
    """How a task that was waited for ended."""
    line = Text.assemble(task.task_id, "  ", status_text(task.status), f"  {_attempts(task)}")
    if task.status is Status.FAILED and task.last_error:
        line.append(f"  {task.last_error.type}: {task.last_error.message}", style="red")
    return line


def detail(task: Mapping[str, Any]) -> RenderableType:
    """One task in full, from its public form."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    facts.add_row("task", task["taskId"])
    facts.add_row("status", status_text(task["status"]))
    facts.add_row("attempts", f"{task['attempts']} of {task['maxAttempts']}")
    if task.get("epoch"):
        facts.add_row("redrives", str(task["epoch"]))
    facts.add_row("created", task["createdAt"])
    for label, name in _MOMENTS:
        if name in task:
            facts.add_row(label, task[name])
    if "lastError" in task:
        facts.add_row("last error", Text(_error(task["lastError"]), style="red"))
    facts.add_row("payload", Text(_compact(task["payload"])))
    if "result" in task:
        facts.add_row("result", Text(_compact(task["result"])))
    if not task.get("history"):
        return facts
    return Group(facts, Padding(_history(task["history"]), (1, 0, 0, 0)))


def live_table(tasks: Sequence[Task], now: datetime, started: datetime) -> RenderableType:
    """The picture that `watch` draws again and again."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    # On a narrow terminal the id and the error give way, never the state and the countdown.
    table.add_column("task", no_wrap=True, overflow="ellipsis", min_width=12)
    table.add_column("status", no_wrap=True, min_width=10)
    table.add_column("attempt", no_wrap=True, min_width=8)
    table.add_column("next", no_wrap=True, justify="right", min_width=6)
    table.add_column("elapsed", no_wrap=True, justify="right", min_width=8)
    table.add_column("last error", no_wrap=True, overflow="ellipsis")
    # Who is still on the way is worth a row first.
    rows = sorted(tasks, key=lambda task: task.status.terminal)[:MAX_LIVE_ROWS]
    for task in rows:
        table.add_row(
            task.task_id,
            status_text(task.status),
            _attempts(task),
            _countdown(task, now),
            duration((_last_moment(task, now) - task.created_at).total_seconds()),
            Text(f"{task.last_error.type}: {task.last_error.message}", style="red") if task.last_error else "",
        )
    if len(tasks) == 1:
        return table
    summary = totals(tasks)
    summary.append(f"   {duration((now - started).total_seconds())}", style="dim")
    if len(tasks) > len(rows):
        summary.append(f"   ({len(tasks) - len(rows)} more not shown)", style="dim")
    return Group(table, summary)


def task_table(tasks: Sequence[Task], now: datetime) -> RenderableType:
    """One task a row."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column("task", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("attempts", no_wrap=True)
    table.add_column("created", justify="right", no_wrap=True)
    table.add_column("last error", overflow="ellipsis", no_wrap=True, ratio=1)
    for task in tasks:
        table.add_row(
            task.task_id,
            status_text(task.status),
            _attempts(task),
            f"{duration((now - task.created_at).total_seconds())} ago",
            Text(f"{task.last_error.type}: {task.last_error.message}", style="red") if task.last_error else "",
        )
    return table


def totals(tasks: Iterable[Task]) -> Text:
    """How many tasks are in which state."""
    counts = Counter(task.status for task in tasks)
    text = Text()
    for status in Status:
        if counts[status]:
            text.append("   " if text else "").append(f"{counts[status]} {status}", style=STYLES[status])
    return text


def totals_json(tasks: Iterable[Task]) -> dict[str, int]:
    counts = Counter(str(task.status) for task in tasks)
    return {str(status): counts[status] for status in Status if counts[status]}


def change_line(task: Task, now: datetime) -> str:
    """One change of one task as one line of plain text."""
    parts = [clock_time(now), task.task_id, f"{task.status:<10}", f"attempt {_attempts(task)}"]
    if task.next_attempt_at is not None:
        parts.append(f"next in {duration(max(0.0, (task.next_attempt_at - now).total_seconds()))}")
    if task.last_error is not None:
        parts.append(f"{task.last_error.type}: {task.last_error.message}")
    return "  ".join(parts)


def _history(history: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    redriven = any(attempt["epoch"] for attempt in history)
    if redriven:
        table.add_column("redrive", justify="right")
    for heading in ("attempt", "started", "took", "outcome", "then waited", "error"):
        table.add_column(heading, overflow="fold")
    for attempt in history:
        took = ""
        if "endedAt" in attempt:
            took = duration((from_iso(attempt["endedAt"]) - from_iso(attempt["startedAt"])).total_seconds())
        cells: list[RenderableType] = [
            str(attempt["attempt"]),
            attempt["startedAt"].partition("T")[2],
            took,
            attempt.get("outcome", "running"),
            duration(attempt["backoffSeconds"]) if "backoffSeconds" in attempt else "",
            Text(_error(attempt["error"]), style="red") if "error" in attempt else "",
        ]
        table.add_row(*([str(attempt["epoch"]), *cells] if redriven else cells))
    return table


def _last_moment(task: Task, now: datetime) -> datetime:
    return task.ended_at or now


def _countdown(task: Task, now: datetime) -> str:
    if task.next_attempt_at is None:
        return ""
    seconds = (task.next_attempt_at - now).total_seconds()
    return duration(seconds) if seconds > 0 else "due"


def _attempts(task: Task) -> str:
    return f"{task.attempts} of {task.max_attempts}"


def _error(error: Mapping[str, str]) -> str:
    return f"{error['type']}: {error['message']}"


def _compact(value: Any) -> str:
    import json

    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 1000 else f"{text[:1000]}… ({len(text):,} characters; all of it with -o json)"
