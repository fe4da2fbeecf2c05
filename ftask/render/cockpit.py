"""The lines and pages of the cockpit, `ftask top` with the extra `top`; each line fits its width.

Textual takes the styles of a text's parts as Rich's, and so as the terminal's own colours, but not that of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from ftask.core.model import Status
from ftask.core.text import plural
from ftask.ops.top import FailedAttempt, StageSnapshot
from ftask.render.safe import safe_text, safe_value
from ftask.render.statuses import STYLES, consumption_text, have_types
from ftask.render.tables import fact_table
from ftask.render.tasks import detail
from ftask.render.texts import age, clock_time, duration, graph
from ftask.selection.error_kinds import FailureGroup

AGE_WIDTH = 8
# Longer names of task types are cut.
MAX_TYPE_WIDTH = 20
# The graphs, by the figure of a reading.
GRAPH_STYLES: Mapping[str, str] = {
    "completed_rate": STYLES[Status.COMPLETED],
    "failed_attempts_rate": "red",
    "waiting": STYLES[Status.PENDING],
    "in_flight": STYLES[Status.PROCESSING],
}
# Older figures are marked with their age.
_FRESH_SECONDS = 15


def head(snapshot: StageSnapshot | None, stage: str, task_type: str | None, width: int, *, paused: bool) -> Text:
    """Return the first line: which stage, whether it consumes, and the time of what is shown."""
    line = Text.assemble(("ftask top", "bold"), "  stage ", (safe_text(stage), "bold"))
    if task_type is not None:
        line.append(f"  type {safe_text(task_type)}")
    if snapshot is None:
        line.append("  reading…", style="dim")
    else:
        line.append("  ").append_text(consumption_text(snapshot.consuming, has_problem=snapshot.problem is not None))
        line.append(f"  {clock_time(snapshot.at)}", style="dim")
    if paused:
        line.append("  VIEW PAUSED", style="bold yellow")
    return _cut(line, width)


def attempts_title(snapshot: StageSnapshot, width: int, peak: float, span_seconds: float) -> Text:
    """Return the title of the graph of throughput: the rates now, and what the highest bar of the graph stands for."""
    left = Text.assemble(
        ("Attempts  ", "bold"), (f"{snapshot.completed_rate:.1f} completed/s", STYLES[Status.COMPLETED]),
        "  ", (f"{snapshot.failed_attempts_rate:.1f} failed/s", "red"),
    )  # fmt: skip
    return _with_right_end(left, f"peak {peak:.1f}/s in {duration(span_seconds)}", width)


def queue_title(snapshot: StageSnapshot, width: int, peak: float) -> Text:
    """Return the title of the graph of the queue: its messages now, and what the highest bar stands for."""
    left = Text.assemble(
        ("Queue     ", "bold"), (f"{snapshot.waiting:,} waiting", STYLES[Status.PENDING]),
        "  ", (f"{snapshot.in_flight:,} in flight", STYLES[Status.PROCESSING]),
    )  # fmt: skip
    if snapshot.oldest_seconds is not None:
        left.append("  oldest ").append(duration(snapshot.oldest_seconds))
    return _with_right_end(left, f"peak {peak:,.0f}", width)


def bars(values: Sequence[float], width: int, height: int, style: str) -> Text:
    """Return a graph of full width, the newest value at its right end."""
    return Text.assemble(("\n".join(line.rjust(width) for line in graph(values, width, height)), style))


def figures(snapshot: StageSnapshot, width: int) -> Text:
    """Return the counts of tasks and attempts, each with its label, on two lines."""
    ended = snapshot.ended
    stale = (snapshot.at - snapshot.failed_at).total_seconds() > _FRESH_SECONDS
    tasks = Text.assemble(
        ("Tasks     ", "bold"), (f"{snapshot.failed:,} FAILED", STYLES[Status.FAILED] if snapshot.failed else "dim"),
        (f" ({age(snapshot.failed_at, snapshot.at)})" if stale else "", "dim"),
        f"  {plural(snapshot.dead_letters, 'dead letter')}",
    )  # fmt: skip
    for count, noun, style in (
        (snapshot.worker_errors, "worker error", "bold red"),
        (snapshot.throttles, "throttle", "bold yellow"),
    ):
        tasks.append(f"  {plural(count, noun)}", style=style if count else "dim")
    attempts = Text.assemble(
        ("Since     ", "bold"), f"{clock_time(ended.since)}  ",
        (f"{ended.completed:,} completed", STYLES[Status.COMPLETED]),
        "  ", (f"{ended.retried:,} retried", STYLES[Status.RETRYING]),
        "  ", (f"{ended.failed:,} failed", STYLES[Status.FAILED] if ended.failed else "dim"),
    )  # fmt: skip
    return Text("\n").join([_cut(tasks, width), _cut(attempts, width)])


def type_width(names: Iterable[str]) -> int:
    """Return the width of the column of task types; 0 if all are the experiment's: the column is left out."""
    names = list(names)
    return min(MAX_TYPE_WIDTH, max(map(len, names))) if have_types(names) else 0


def group_line(group: FailureGroup, now: datetime, width: int, count_width: int, type_width: int) -> Text:
    """Return a kind of error: how many tasks have it, when the last one failed, and its text.

    The widths are those of the columns of counts and of task types; 0 for no types.
    """
    line = Text.assemble((f"{group.count:>{count_width},}", "bold"))
    return _cut(_row(line, group.last_at, now, group.task_type, group.text, type_width), width)


def failure_line(failure: FailedAttempt, shown_id: str, now: datetime, width: int, type_width: int) -> Text:
    """Return a task that failed recently: its id, when and how its last attempt ended, and its error."""
    line = Text(safe_text(shown_id))
    line = _row(line, failure.at, now, failure.type, failure.error, type_width, final=failure.final)
    return _cut(line, width)


def _row(
    first: Text, at: datetime, now: datetime, task_type: str, error: str, type_width: int, *, final: bool | None = None
) -> Text:
    line = Text.assemble(first, "  ", (f"{age(at, now):>{AGE_WIDTH}}", "dim"), "  ")
    if final is not None:
        line.append("failed " if final else "retried", style=STYLES[Status.FAILED if final else Status.RETRYING])
        line.append("  ")
    if type_width:
        cell = Text(safe_text(task_type))
        cell.truncate(type_width, overflow="ellipsis", pad=True)
        line.append_text(cell).append("  ")
    # On one line, even if the message has several.
    return line.append(" ".join(safe_text(error).split()), style="red")


def task_page(task: Mapping[str, Any], traceback: str | None, note: str | None) -> RenderableType:
    """Draw one task in full, from its JSON form; `note` says why its traceback is missing."""
    page = detail(safe_value(dict(task)), None if traceback is None else safe_text(traceback))
    return page if note is None else Group(page, Padding(Text(safe_text(note), style="yellow"), (1, 0, 0, 0)))


def group_page(group: FailureGroup, example: Mapping[str, Any] | None) -> RenderableType:
    """Draw a kind of error with its newest example, a task's JSON form; None if that task is gone."""
    title = Text(f"{safe_text(group.text)}\n", style="red")
    if example is None:
        return Group(title, Text("The newest example is gone from the table.", style="yellow"))
    return Group(title, detail(safe_value(dict(example)), errors_once=True))


def _with_right_end(left: Text, right: str, width: int) -> Text:
    gap = width - left.cell_len - len(right)
    if gap >= 2:
        left.append(" " * gap).append(right, style="dim")
    return _cut(left, width)


def _cut(line: Text, width: int) -> Text:
    line.truncate(max(1, width), overflow="ellipsis")
    return line


def key_line(keys: Sequence[tuple[str, str]], width: int) -> Text:
    """Return the keys that apply, with what each does."""
    line = Text("  ").join(Text.assemble((key, "bold"), " ", (label, "dim")) for key, label in keys)
    return _cut(line, width)


def heading(text: str, width: int) -> Text:
    """Return a line above a list."""
    return _cut(Text.assemble((safe_text(text), "bold")), width)


def selected(line: Text, width: int) -> Text:
    """Return the line without its colours, which would be hard to read in reverse, over the whole width."""
    return Text.assemble((line.plain.ljust(width - line.cell_len + len(line.plain)), "reverse"))


def message(text: str, style: str = "") -> Text:
    """Return what the status line says."""
    return Text.assemble((safe_text(text), style))


def question(text: str, details: Sequence[str]) -> Text:
    """Return what a dialog asks, and the keys that answer."""
    lines = Text.assemble((safe_text(text), "bold"))
    for line in details:
        lines.append(f"\n{safe_text(line)}")
    lines.append("\n\n")
    return lines.append_text(Text.assemble(("y", "bold"), " yes   ", ("n", "bold"), " no"))


def help_page(keys: Sequence[tuple[str, str]]) -> RenderableType:
    """Draw what each key does."""
    table = fact_table()
    for key, meaning in keys:
        table.add_row(Text(key, style="bold not dim"), meaning)
    return Group(Text("Keys", style="bold"), table, Text("\nAny key closes this.", style="dim"))
