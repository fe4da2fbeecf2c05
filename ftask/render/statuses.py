"""The words and colours of states, and task types."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from ftask.core.model import EXPERIMENT_TYPE, Status
from ftask.core.text import plural
from ftask.render.tables import plain_table

STYLES: Mapping[str, str] = {
    Status.PENDING: "cyan",
    Status.PROCESSING: "blue",
    Status.RETRYING: "yellow",
    Status.COMPLETED: "green",
    Status.FAILED: "bold red",
    Status.CANCELLED: "magenta",
}
# The states of an event source mapping, as an operator thinks of them.
# https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html
_CONSUMPTION: Mapping[str, str] = {
    "Enabled": "consuming",
    "Disabled": "paused",
    "Enabling": "resuming",
    "Disabling": "pausing",
    # Of ftask's: Lambda does not have it any more.
    "Missing": "event source mapping deleted, no task runs",
}


def status_text(status: str, words: str | None = None) -> Text:
    """Return the status of a task, or `words` about it, in its colour."""
    # A newer ftask may have written a status that this one does not know.
    return Text(status if words is None else words, style=STYLES.get(status, ""))


def status_counts(counts: Iterable[tuple[str, int]]) -> Text:
    """Return how many tasks have which status, from pairs of both: `3 RETRYING   40 COMPLETED`."""
    ordered = dict.fromkeys(STYLES, 0) | dict(counts)
    return Text("   ").join(status_text(status, f"{count:,} {status}") for status, count in ordered.items() if count)


def consumption_text(mapping_state: str, *, has_problem: bool) -> Text:
    """Return whether the worker consumes, from the state of its event source mapping, and whether it has a problem."""
    words = _CONSUMPTION.get(mapping_state, mapping_state.lower())
    if words != "consuming":
        return Text(words, style="bold yellow")
    return Text("cannot run tasks", style="bold red") if has_problem else Text(words, style="green")


def have_types(names: Iterable[str]) -> bool:
    """Whether a table of tasks of these types has a column for the type: not if all are the experiment's."""
    return any(name != EXPERIMENT_TYPE for name in names)


def type_table(task_types: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Draw one task type per row, from the JSON form of a manifest."""
    table = plain_table()
    table.add_column("type", no_wrap=True)
    for heading in ("arguments", "options", "purpose"):
        table.add_column(heading, overflow="fold")
    for task_type in task_types:
        # As text, because an annotation like list[str] has square brackets.
        cells = (_arguments(task_type), ", ".join(_options(task_type)), task_type.get("doc", ""))
        table.add_row(task_type["name"], *map(Text, cells))
    scheduled = [task_type for task_type in task_types if "schedule" in task_type["options"]]
    if not scheduled:
        return table
    schedules = plain_table("", "fires", "next in its zone", "next in UTC")
    for task_type in scheduled:
        schedule = task_type["options"]["schedule"]
        schedules.add_row(task_type["name"], schedule["words"], *firings(schedule))
    return Lines(table, "", schedules)


def firings(schedule: Mapping[str, Any]) -> tuple[str, str]:
    """Return the next firings of a schedule in two columns: in its zone and in UTC."""
    moments = schedule["nextFirings"]
    if not moments:
        return "counts from\nits last firing" if "every" in schedule else "never", ""
    # Without the offset from UTC, which the other column tells, a row fits into the narrowest terminal.
    in_zone, in_utc = (
        "\n".join(moment[zone][:16].replace("T", " ") for moment in moments) for zone in ("local", "utc")
    )
    return in_zone, in_utc


def _arguments(task_type: Mapping[str, Any]) -> str:
    shown = [_argument(argument) for argument in task_type["arguments"]]
    return ", ".join([*shown, "…"] if task_type["acceptsMore"] else shown)


def _argument(argument: Mapping[str, Any]) -> str:
    annotation = f": {argument['annotation']}" if "annotation" in argument else ""
    if argument["required"]:
        return f"{argument['name']}{annotation}"
    default = json.dumps(argument["default"], ensure_ascii=False) if "default" in argument else "…"
    return f"{argument['name']}{annotation} = {default}"


def _options(task_type: Mapping[str, Any]) -> Iterator[str]:
    options = task_type["options"]
    if task_type["default"]:
        yield "default"
    if "maxAttempts" in options:
        yield plural(options["maxAttempts"], "attempt")
    if "backoffSeconds" in options:
        base_seconds, cap_seconds = options["backoffSeconds"]
        yield f"backoff {base_seconds:g} to {cap_seconds:g} s"
    if "jitter" in options:
        yield "jitter" if options["jitter"] else "no jitter"
    if "timeoutSeconds" in options:
        yield f"timeout {options['timeoutSeconds']:g} s"
    if options.get("isolated"):
        yield "isolated"
    if "schedule" in options:
        yield "scheduled"
