"""Plans, stack events and the state of a stage as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ftask.core.text import shortened
from ftask.deploy.apply import Removal
from ftask.deploy.events import StackEvent
from ftask.deploy.plan import DATA_TYPES, Plan, PropertyChange
from ftask.render.times import clock_time, duration

# Values are whole policies at times; JSON has them in full.
_LONGEST_VALUE = 80
_ACTIONS = {"Add": ("+", "green"), "Modify": ("~", "yellow"), "Remove": ("-", "red"), "Import": ("+", "green")}


def plan_json(plan: Plan) -> dict[str, Any]:
    return {
        "stack": plan.stack_name,
        "creates": plan.creates_stack,
        "codeSha256": plan.code_sha256,
        "parameters": dict(sorted(plan.parameters.items())),
        "changedParameters": {
            name: {"before": before, "after": after} for name, (before, after) in plan.changed_parameters.items()
        },
        "changes": [
            {
                "action": change.action,
                "resource": change.logical_id,
                "type": change.resource_type,
                "replacement": change.replacement,
                "losesData": change.loses_data,
                "properties": [asdict(each) for each in change.properties],
            }
            for change in plan.changes
        ],
    }


def plan_table(plan: Plan) -> RenderableType:
    """Every parameter and resource that the plan touches, replacements and removals in red."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "resource", "type", "change"):
        table.add_column(heading, overflow="fold")
    for name, (before, after) in plan.changed_parameters.items():
        table.add_row(Text("~", style="yellow"), Text(name, style="yellow"), "parameter", _values(before, after))
    for change in plan.changes:
        sign, style = _ACTIONS.get(change.action, ("?", ""))
        what = ", ".join(map(_property, change.properties))
        if change.loses_data:
            style = "bold red"
        if change.replacement in ("True", "Conditional"):
            what = f"{'replaced' if change.replacement == 'True' else 'perhaps replaced'}: {what}"
        table.add_row(Text(sign, style=style), Text(change.logical_id, style=style), change.resource_type, what)
    return table


def _property(change: PropertyChange) -> str:
    if change.before is None and change.after is None:
        return change.name
    return f"{change.name}: {_values(change.before, change.after)}"


def _values(before: str | None, after: str | None) -> str:
    return " → ".join(
        "(none)" if value is None else shortened(value, _LONGEST_VALUE) or "(empty)" for value in (before, after)
    )


def removal_json(stack_name: str, removal: Removal) -> dict[str, Any]:
    return {
        "removed": stack_name,
        "kept": [
            {"resource": each.logical_id, "type": each.resource_type, "name": each.physical_id} for each in removal.kept
        ],
    }


def removal_table(removal: Removal) -> RenderableType:
    """What a removal deletes, data in bold, and what it keeps."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "resource", "type"):
        table.add_column(heading, overflow="fold")
    for resource in removal.resources:
        style = "bold red" if resource.resource_type in DATA_TYPES else "red"
        table.add_row(Text("-", style=style), Text(resource.logical_id, style=style), resource.resource_type)
    for resource in removal.kept:
        table.add_row("", Text(resource.logical_id, style="green"), f"{resource.resource_type}, kept")
    return table


def event_line(event: StackEvent) -> str:
    """One stack event as one line."""
    line = f"{clock_time(event.at)}  {event.status:<28}{event.logical_id}"
    return f"{line}  {event.reason}" if event.failed and event.reason else line


def info_table(info: Mapping[str, Any]) -> RenderableType:
    """The state of a stage, from its JSON form."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("stage", f"{info['stage']} ({info['stackStatus']}, {info['region']})")
    table.add_row("API", info["apiUrl"])
    queue = info["queue"]
    table.add_row("queue", f"{queue['visible']} waiting, {queue['inFlight']} in flight")
    oldest = queue["oldestSeconds"]
    table.add_row("oldest message", "not known" if oldest is None else duration(oldest))
    letters = info["deadLetters"]
    table.add_row("dead letters", Text(str(letters), style="bold red" if letters else "green"))
    consuming = info["worker"]["state"]
    table.add_row("worker", Text(consuming, style="green" if consuming == "Enabled" else "yellow"))
    table.add_row("code", info["codeSha256"][:12])
    for name, url in info["console"].items():
        table.add_row(f"console: {name}", Text(url, style=f"link {url}"))
    for name, value in info["parameters"].items():
        table.add_row(name, value)
    return table
