"""The plan of a deployment and the events of a stack."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ftask.core.text import shortened
from ftask.deploy.events import StackEvent
from ftask.deploy.plan import Plan, PropertyChange
from ftask.render.times import clock_time

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


def event_line(event: StackEvent) -> str:
    """One stack event as one line."""
    line = f"{clock_time(event.at)}  {event.status:<28}{event.logical_id}"
    return f"{line}  {event.reason}" if event.failed and event.reason else line
