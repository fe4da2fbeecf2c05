"""Tasks: one in full, many at a glance, one line per change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ftask.actions.cancel import CancelResult
from ftask.core.cancellation import Cancellation
from ftask.core.model import EXPERIMENT_TYPE, Status, Task
from ftask.core.timestamps import from_iso, to_iso
from ftask.render.statuses import have_types, status_counts, status_text
from ftask.render.tables import add_numbers, fact_table, plain_table
from ftask.render.texts import clock_time, duration, excerpt

# Times that a task has only in some of its states, as JSON calls them.
_TIMES = (
    ("scheduled for", "scheduledAt"),
    ("next attempt", "nextAttemptAt"),
    ("completed", "completedAt"),
    ("failed", "failedAt"),
    ("cancel requested", "cancelRequestedAt"),
    ("cancelled", "cancelledAt"),
)
_MAX_JSON_CHARACTERS = 1000


def accepted(task_id: str, status: str) -> RenderableType:
    """Draw the answer to one submission, with the id in the form that is shown."""
    return Text.assemble(task_id, "  ", status_text(status))


def outcome(task: Task, task_id: str) -> RenderableType:
    """Draw how a task ended that a command waited for, with the id in the form that is shown."""
    line = Text.assemble(task_id, "  ", status_text(task.status), f"  {attempts_text(task)}")
    if task.status is Status.FAILED and task.last_error:
        line.append("  ").append_text(_last_error(task))
    if task.result is not None and have_types([task.type]):
        line.append("  ").append_text(_compact(json.loads(task.result)))
    return line


def detail(task: Mapping[str, Any], traceback: str | None = None, *, errors_once: bool = False) -> RenderableType:
    """Draw one task in full, from its JSON form, with the traceback of its last failed attempt below.

    With `errors_once`, attempts do not repeat an error that all of them have in common with the task.
    """
    facts = fact_table()
    facts.add_row("task", task["taskId"])
    if have_types([task.get("type", EXPERIMENT_TYPE)]):
        facts.add_row("type", task["type"])
    facts.add_row("status", status_text(task["status"]))
    if "group" in task:
        facts.add_row("group", Text(task["group"]))
    if "tags" in task:
        facts.add_row("tags", Text(" ".join(f"{name}={value}" for name, value in task["tags"].items())))
    facts.add_row("attempts", f"{task['attempts']} of {task['maxAttempts']}")
    if task.get("epoch"):
        facts.add_row("redrives", str(task["epoch"]))
    facts.add_row("created", task["createdAt"])
    for label, name in _TIMES:
        if name in task:
            facts.add_row(label, task[name])
    if "removal" in task:
        removal = task["removal"]
        who = f" by {removal['by']}" if "by" in removal else ""
        facts.add_row(removal["kind"].lower(), Text(f"{removal['at']}{who}"))
    if "lastError" in task:
        facts.add_row("last error", _json_error(task["lastError"]))
    missing = Text("not in the table: its item was deleted", style="yellow")
    facts.add_row("payload", _compact(task["payload"]) if "payload" in task else missing)
    if "result" in task:
        facts.add_row("result", _compact(task["result"]))
    if not task.get("history"):
        return facts
    parts: list[RenderableType] = [_history(task, errors_once=errors_once)]
    if traceback is not None:
        parts.append(Text(traceback))
    return Group(facts, *(Padding(part, (1, 0, 0, 0)) for part in parts))


def live_table(tasks: Sequence[Task], now: datetime, started: datetime, ids: Mapping[str, str]) -> RenderableType:
    """Draw a few tasks on the way to their end, as `watch` does; `ids` are their ids as they are shown."""
    table = plain_table()
    # On a narrow terminal the error is cut, never the status and the countdown.
    table.add_column("task", no_wrap=True)
    table.add_column("status", no_wrap=True, min_width=10)
    table.add_column("attempt", no_wrap=True, min_width=8)
    table.add_column("next", no_wrap=True, justify="right", min_width=6)
    table.add_column("elapsed", no_wrap=True, justify="right", min_width=8)
    table.add_column("last error", no_wrap=True, overflow="ellipsis")
    # Tasks that have not ended come first.
    for task in sorted(tasks, key=lambda task: task.status.terminal):
        table.add_row(
            ids[task.task_id],
            status_text(task.status),
            attempts_text(task),
            countdown(task, now),
            duration((_ended_at(task, now) - task.created_at).total_seconds()),
            _last_error(task),
        )
    if len(tasks) == 1:
        return table
    summary = status_counts(Counter(task.status for task in tasks).items())
    summary.append(f"   {duration((now - started).total_seconds())}", style="dim")
    return Group(table, summary)


def change_line(task: Task, now: datetime) -> str:
    """Return one change of one task as one line of plain text."""
    parts = [clock_time(now), task.task_id, f"{task.status:<10}", f"attempt {attempts_text(task)}"]
    if task.next_attempt_at is not None:
        parts.append(f"next in {duration(max(0.0, (task.next_attempt_at - now).total_seconds()))}")
    if task.last_error is not None:
        parts.append(f"{task.last_error.type}: {task.last_error.message}")
    return "  ".join(parts)


def _history(task: Mapping[str, Any], *, errors_once: bool) -> Table:
    history: Sequence[Mapping[str, Any]] = task["history"]
    table = plain_table()
    redriven = any(attempt["epoch"] for attempt in history)
    if redriven:
        add_numbers(table, "redrive")
    errors = [attempt["error"] for attempt in history if "error" in attempt]
    with_errors = not errors_once or not all(_is_last_error(error, task) for error in errors)
    for heading in ("attempt", "started", "took", "outcome", "backoff", *(["error"] if with_errors else [])):
        table.add_column(heading, overflow="fold")
    days = {moment.partition("T")[0] for moment in (task["createdAt"], *(attempt["startedAt"] for attempt in history))}
    for attempt in history:
        took = ""
        if "endedAt" in attempt:
            took = duration((from_iso(attempt["endedAt"]) - from_iso(attempt["startedAt"])).total_seconds())
        cells: list[RenderableType] = [
            str(attempt["attempt"]),
            # The time alone, unless that would leave open which day it was.
            attempt["startedAt"] if len(days) > 1 else attempt["startedAt"].partition("T")[2],
            took,
            attempt.get("outcome", "running"),
            duration(attempt["backoffSeconds"]) if "backoffSeconds" in attempt else "",
        ]
        if with_errors:
            cells.append(_json_error(attempt["error"]) if "error" in attempt else "")
        table.add_row(*([str(attempt["epoch"]), *cells] if redriven else cells))
    return table


def _is_last_error(error: Mapping[str, str], task: Mapping[str, Any]) -> bool:
    last = task.get("lastError", {"type": "", "message": ""})
    # The history keeps the beginning of a long message.
    return error["type"] == last["type"] and str(last["message"]).startswith(error["message"].removesuffix("…"))


def _ended_at(task: Task, now: datetime) -> datetime:
    return task.ended_at or now


def countdown(task: Task, now: datetime) -> str:
    """Return how long the next attempt is off, "" if none is planned."""
    if task.next_attempt_at is None:
        return ""
    seconds = (task.next_attempt_at - now).total_seconds()
    return duration(seconds) if seconds > 0 else "due"


def when_due(task: Task, now: datetime) -> str:
    """Return when the next attempt of a waiting task begins: `runs in 19 m 3 s, at 2027-01-01T09:00:00.000Z`."""
    if task.next_attempt_at is None:
        return "runs at once"
    return f"runs in {countdown(task, now)}, at {to_iso(task.next_attempt_at)}"


def attempts_text(task: Task) -> str:
    """Return how many attempts a task has had, of how many: `1 of 3`."""
    return f"{task.attempts} of {task.max_attempts}"


def _last_error(task: Task) -> Text:
    return Text() if task.last_error is None else _error(task.last_error.type, task.last_error.message)


def _json_error(error: Mapping[str, str]) -> Text:
    return _error(error["type"], error["message"])


def _error(error_type: str, message: str) -> Text:
    return Text(f"{error_type}: {message}", style="red")


def _compact(value: Any) -> Text:
    return Text(excerpt(json.dumps(value, ensure_ascii=False), _MAX_JSON_CHARACTERS))


def attempt_line(task: Task) -> str:
    """Return how the last attempt of `task` ended, and when the next one follows, as one line."""
    attempt = task.history[-1]
    parts = [f"attempt {attempt.number} of {task.max_attempts}", str(task.status)]
    if attempt.ended_at is not None:
        parts.append(duration((attempt.ended_at - attempt.started_at).total_seconds()))
    if attempt.error is not None:
        parts.append(f"{attempt.error.type}: {attempt.error.message}")
    if attempt.backoff_seconds is not None:
        parts.append(f"next in {duration(attempt.backoff_seconds)}")
    return "  ".join(parts)


def result_text(task: Task) -> str:
    """Return the result of a completed task as indented JSON; `null` without a result."""
    return json.dumps(json.loads(task.result or "null"), indent=2, ensure_ascii=False)


TEXTS: Mapping[Cancellation, str] = {
    Cancellation.CANCELLED: "cancelled",
    Cancellation.REQUESTED: "running: the attempt may finish, and no further one begins",
    Cancellation.ENDED: "ended before",
    Cancellation.UNKNOWN: "not found",
    Cancellation.BUSY: "kept changing: run the command again",
}


def cancellation_text(result: CancelResult) -> str:
    """Return what a cancel did to one task, to follow its id."""
    ended = f" ({result.status})" if result.outcome is Cancellation.ENDED else ""
    return f"{TEXTS[result.outcome]}{ended}"


def cancellations_text(outcomes: Counter[Cancellation]) -> str:
    """Return one line with the number of tasks of each outcome."""
    return "; ".join(f"{outcomes[outcome]:,} {text}" for outcome, text in TEXTS.items() if outcomes[outcome]) + "."
