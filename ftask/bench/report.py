"""The report of one run: a self-contained HTML page to show to others."""

from __future__ import annotations

import importlib.util
from importlib.resources import files
from typing import Any

from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.bench.result import SIGNIFICANCE, Result
from ftask.core.errors import FtaskError
from ftask.core.text import percent, plural
from ftask.distribution import missing_extra

_TEMPLATE = "report.html.j2"


def require_installed() -> None:
    """Check that the extra `report` is installed, before the work that would need it.

    Raises:
        FtaskError: it is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("matplotlib", "jinja2")):
        raise FtaskError("The libraries that draw a report are not installed.", missing_extra("report"))


def render(result: Result) -> str:
    """Return the report of a run as HTML.

    Raises:
        FtaskError: the extra `report` is not installed.
    """
    require_installed()
    import jinja2

    from ftask.bench import plots

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": percent, "plural": plural}
    template = environment.from_string((files("ftask.bench") / _TEMPLATE).read_text())
    drawn = {
        "outcomes": plots.outcomes(result),
        "attempts": plots.attempts(result),
        "backoff": plots.backoff(result) if result.delays else "",
        "latency": plots.latency(result),
        "throughput": plots.throughput(result),
        "cost": plots.cost(result.cost, result.tasks) if result.cost is not None else "",
    }
    return template.render(result=result, plots=drawn, own_parameters=MANAGED_PARAMETERS, **_headline(result))


def _headline(result: Result) -> dict[str, Any]:
    rate = percent(result.settings.error_rate)
    if result.broken:
        return {"state": "broken", "verdict": "Broken", "says": "; ".join(result.broken) + "."}
    if result.verdict == "incomplete":
        says = f"The run ended early: {result.stopped}." if result.stopped else "No task ended."
        return {"state": "odd", "verdict": "Incomplete", "says": says}
    says = (
        f"{plural(result.tasks, 'task')}: none lost, none over the attempt limit, every failed task dead-lettered;"
        f" {result.verdict} with an error rate of {rate} at the {percent(SIGNIFICANCE)} level."
    )
    state = "fine" if result.verdict == "consistent" else "odd"
    return {"state": state, "verdict": result.verdict.capitalize(), "says": says}
