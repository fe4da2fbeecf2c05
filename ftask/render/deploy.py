"""The plan of a deployment or a removal, and the events of a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from ftask.aws.stack import DATA_ONLY, HAS_WORKER_SOURCE
from ftask.aws.worker_check import WorkerCheck
from ftask.core.text import plural, shortened
from ftask.deploy.apply import StackRemoval
from ftask.deploy.changes import DATA_TYPES, TEMPLATE, Change, PropertyChange
from ftask.deploy.plan import Plan
from ftask.deploy.stack_events import StackEvent
from ftask.render.tables import add_numbers, plain_table
from ftask.render.texts import clock_time, duration

# A value may be a whole policy. What is cut ends in an ellipsis; -o json has all of it.
_MAX_VALUE_BYTES = 80
# What CloudFormation writes for a value that it knows only once it has made the resource.
_UNKNOWN_VALUE = "{{changeSet:KNOWN_AFTER_APPLY}}"
REFERENCES = "references"
OTHER = "other"
# Causes that are not parameters of the user's, in words.
_CAUSES = {
    "CodeKey": "code of the API",
    "WorkerCodeKey": "code of the worker",
    "CodeBucket": "bucket of the code",
    DATA_ONLY: "keeping only the data",
    HAS_WORKER_SOURCE: "the worker's event source",
    TEMPLATE: "template",
    REFERENCES: "references to changed resources",
    OTHER: "other changes",
    "Add": "new resources",
    "Remove": "removed resources",
    "Import": "imported resources",
}
_ACTIONS = {"Add": ("+", "green"), "Modify": ("~", "yellow"), "Remove": ("-", "red"), "Import": ("+", "green")}


def plan_table(plan: Plan) -> RenderableType:
    """Draw what the plan changes: each cause with the resources that it changes below; what loses data is red.

    A new stack has its resources by type. Resources that only refer to changed ones, which stay, are named in one line.
    """
    if plan.creates_stack:
        return _new_stack(plan)
    table = plain_table("", "resource", "type", "change")
    referring = [change.logical_id for change in plan.changes if change.only_refers]
    for action, type_name, text in _type_changes(plan):
        sign, style = _ACTIONS[action]
        table.add_row(Text(sign, style=style), Text(type_name, style=style), "task type", text)
    for cells in _schedule_rows(plan):
        table.add_row(*cells)
    for cause, changes in _by_cause(plan).items():
        if cause in plan.changed_parameters:
            table.add_row(Text("~", style="yellow"), Text(cause, style="yellow"), "parameter", _parameter(plan, cause))
        else:
            table.add_row("", Text(_CAUSES.get(cause, cause), style="bold"))
        for change in changes:
            sign, style = _ACTIONS.get(change.action, ("?", ""))
            if change.loses_data:
                style = "bold red"
            name = Text(f"  {change.logical_id}", style=style)
            table.add_row(Text(sign, style=style), name, change.resource_type, _description(change, cause))
    if not referring:
        return table
    one = len(referring) == 1
    words = (
        "only refers to changed ones, and stays unchanged" if one else "only refer to changed ones, and stay unchanged"
    )
    text = f"{plural(len(referring), 'resource')} {words}: {', '.join(sorted(referring))}"
    return Lines(table, Text(text, style="dim"))


def _type_changes(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Yield the task types that change: the action, the name, and what it means."""
    for name, count in plan.types.removed.items():
        unfinished = f", {'' if count.is_all else 'at least '}{plural(count.number, 'unfinished task')}"
        yield "Remove", name, f"removed{unfinished if count.number else ''}"
    yield from (("Add", name, "added") for name in plan.types.added)
    yield from (("Modify", name, "other arguments or options") for name in plan.types.changed)


def _schedule_rows(plan: Plan) -> Iterator[tuple[Text, Text, str, str]]:
    """Yield a row for each schedule that changes: its name, and in words when it fires."""
    for change in plan.schedules:
        action = "Add" if change.before is None else "Modify" if change.after is not None else "Remove"
        sign, style = _ACTIONS[action]
        words = " → ".join(filter(None, change.words))
        yield Text(sign, style=style), Text(change.name, style=style), "schedule", words


def _new_stack(plan: Plan) -> RenderableType:
    table = plain_table("", "type")
    add_numbers(table, "count")
    table.add_column("resources", overflow="fold")
    by_type: dict[str, list[str]] = {}
    for change in plan.changes:
        by_type.setdefault(change.resource_type, []).append(change.logical_id)
    for resource_type, names in sorted(by_type.items()):
        sign, style = _ACTIONS["Add"]
        table.add_row(Text(sign, style=style), resource_type, str(len(names)), ", ".join(sorted(names)))
    if not plan.schedules:
        return table
    schedules = plain_table("", "schedule", "fires")
    for mark, name, _, words in _schedule_rows(plan):
        schedules.add_row(mark, name, words)
    return Lines(table, schedules)


def _by_cause(plan: Plan) -> dict[str, list[Change]]:
    """Return the changes of a deployed stack by their first cause, the parameters first."""
    groups: dict[str, list[Change]] = {name: [] for name in plan.changed_parameters}
    for change in plan.changes:
        if not change.only_refers:
            groups.setdefault(_first_cause(plan, change), []).append(change)
    return groups


def _first_cause(plan: Plan, change: Change) -> str:
    changed = [cause for cause in change.causes if cause in plan.changed_parameters]
    if changed:
        return changed[0]
    if change.action != "Modify":
        return change.action
    return change.causes[0] if change.causes else REFERENCES if change.details else OTHER


def _parameter(plan: Plan, name: str) -> str:
    return _values(*plan.changed_parameters[name])


def _description(change: Change, cause: str) -> str:
    description = ", ".join(map(_property, change.changed_properties))
    if others := [_CAUSES.get(other, other) for other in change.causes if other != cause]:
        description += f" (also by {', '.join(others)})"
    if change.replacement in ("True", "Conditional"):
        return f"{'replaced' if change.replacement == 'True' else 'may be replaced'}: {description}"
    return description


def _property(change: PropertyChange) -> str:
    if change.before is None and change.after is None:
        return change.name
    return f"{change.name}: {_values(change.before, change.after)}"


def _values(before: str | None, after: str | None) -> str:
    return " → ".join("(none)" if value is None else _value(value) for value in (before, after))


def _value(value: str) -> str:
    if value == _UNKNOWN_VALUE:
        return "(known after the deployment)"
    return shortened(value, _MAX_VALUE_BYTES) or "(empty)"


def event_line(event: StackEvent) -> str:
    """Return one stack event as one line, with the reason of a failure."""
    line = f"{clock_time(event.at)}  {event.status:<28}{event.logical_id}"
    return f"{line}  {event.reason}" if event.failed and event.reason else line


def import_times(checked: WorkerCheck) -> str:
    """Say that the worker can run tasks, and how long it imports."""
    times = [
        f"{duration(seconds)} {where}"
        for seconds, where in (
            (checked.import_seconds, "as the worker starts"),
            (checked.child_import_seconds, "in a child process"),
        )
        if seconds is not None
    ]
    return "The worker can run tasks." + (f" Their import takes {' and '.join(times)}." if times else "")


# With its heading and the prompt they fit a small terminal.
MAX_ROWS = 12


class StackProgress:
    """Takes the events of a stack and draws where it stands.

    `clock` is this machine's: times are counted from when an event was seen.
    """

    def __init__(self, stack_name: str, clock: Callable[[], datetime]) -> None:
        self._stack_name = stack_name
        self._clock = clock
        self._begun = clock()
        self._status = ""
        self._running: dict[str, tuple[str, datetime]] = {}
        self._done: set[str] = set()

    def add(self, event: StackEvent) -> None:
        """Take the next event."""
        if event.of_stack:
            self._status = event.status
            return
        if event.status.endswith("_IN_PROGRESS"):
            status, since = self._running.get(event.logical_id, ("", self._clock()))
            # CloudFormation repeats the status once a resource has begun.
            self._running[event.logical_id] = (event.status, since if status == event.status else self._clock())
            self._done.discard(event.logical_id)
            return
        self._running.pop(event.logical_id, None)
        if not event.failed:
            self._done.add(event.logical_id)

    def draw(self) -> RenderableType:
        """Draw the current state of the stack."""
        now = self._clock()
        status = self._status or "waiting for CloudFormation"
        goes_back = "ROLLBACK" in status or "FAILED" in status
        head = Text.assemble(
            (self._stack_name, "bold"), "  ", (status, "red" if goes_back else ""),
            f"  {len(self._done):,} done, {len(self._running):,} in progress  ",
            (duration((now - self._begun).total_seconds()), "dim"),
        )  # fmt: skip
        if not self._running:
            return head
        table = plain_table()
        for _ in range(4):
            table.add_column(no_wrap=True)
        table.show_header = False
        for logical_id, (status, since) in list(self._running.items())[:MAX_ROWS]:
            table.add_row(" ", logical_id, Text(status, style="yellow"), duration((now - since).total_seconds()))
        more = len(self._running) - MAX_ROWS
        return Lines(head, table, *([Text(f"   and {more} more", style="dim")] if more > 0 else []))


def removal_table(removal: StackRemoval) -> RenderableType:
    """Draw one resource per row: first those that a removal deletes, data in bold, then those that it keeps."""
    table = plain_table("", "resource", "type")
    for resource in removal.resources:
        style = "bold red" if resource.resource_type in DATA_TYPES else "red"
        table.add_row(Text("-", style=style), Text(resource.logical_id, style=style), resource.resource_type)
    for resource in removal.kept:
        table.add_row("", Text(resource.logical_id, style="green"), f"{resource.resource_type}, kept")
    return table
