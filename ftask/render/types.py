"""Task types: the list of `ftask types`, and where other tables have a column of types."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from ftask.core.model import EXPERIMENT_TYPE
from ftask.core.text import plural
from ftask.render.tables import plain_table


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
    return table


def _arguments(task_type: Mapping[str, Any]) -> str:
    shown = [_argument(argument) for argument in task_type["arguments"]]
    return ", ".join([*shown, "…"] if task_type["acceptsMore"] else shown)


def _argument(argument: Mapping[str, Any]) -> str:
    """Return `width: int = 800`; a default that is not JSON shows as `…`."""
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
