"""The plan of a deployment and the events of a stack."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from ftask.core.text import shortened
from ftask.deploy.events import StackEvent
from ftask.deploy.plan import Plan, PropertyChange
from ftask.render.tables import plain_table
from ftask.render.times import clock_time

# A value may be a whole policy. What is cut ends in an ellipsis; -o json has all of it.
_MAX_VALUE_BYTES = 80
_ACTIONS = {"Add": ("+", "green"), "Modify": ("~", "yellow"), "Remove": ("-", "red"), "Import": ("+", "green")}


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the JSON form of a plan."""
    return {
        "stack": plan.stack_name,
        "creates": plan.creates_stack,
        "codeSha256": plan.api_code_sha256,
        "workerCodeSha256": plan.worker_code_sha256,
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
                "properties": [asdict(property_change) for property_change in change.properties],
            }
            for change in plan.changes
        ],
    }


def plan_table(plan: Plan) -> RenderableType:
    """Draw one parameter or resource that the plan changes per row; what loses data is red."""
    table = plain_table("", "resource", "type", "change")
    for name, (before, after) in plan.changed_parameters.items():
        table.add_row(Text("~", style="yellow"), Text(name, style="yellow"), "parameter", _values(before, after))
    for change in plan.changes:
        sign, style = _ACTIONS.get(change.action, ("?", ""))
        description = ", ".join(map(_property, change.properties))
        if change.loses_data:
            style = "bold red"
        if change.replacement in ("True", "Conditional"):
            description = f"{'replaced' if change.replacement == 'True' else 'may be replaced'}: {description}"
        table.add_row(Text(sign, style=style), Text(change.logical_id, style=style), change.resource_type, description)
    return table


def _property(change: PropertyChange) -> str:
    if change.before is None and change.after is None:
        return change.name
    return f"{change.name}: {_values(change.before, change.after)}"


def _values(before: str | None, after: str | None) -> str:
    return " → ".join(
        "(none)" if value is None else shortened(value, _MAX_VALUE_BYTES) or "(empty)" for value in (before, after)
    )


def event_line(event: StackEvent) -> str:
    """Return one stack event as one line, with the reason of a failure."""
    line = f"{clock_time(event.at)}  {event.status:<28}{event.logical_id}"
    return f"{line}  {event.reason}" if event.failed and event.reason else line
