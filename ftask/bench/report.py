"""Reports for a browser: self-contained HTML pages of one run, and of two side by side."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, NamedTuple

from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.bench.compare import compare
from ftask.bench.machine import machine_text
from ftask.bench.result import Result
from ftask.bench.tables import comparison_tables, headline, result_tables
from ftask.core.errors import FtaskError
from ftask.core.text import percent, plural
from ftask.distribution import missing_extra


class Tile(NamedTuple):
    """One figure: its name, its value, what explains it, and its state."""

    name: str
    value: str
    detail: str
    state: str = ""


def tiles(result: Result) -> list[Tile]:
    """Return the figures that a report of a run begins with, its verdict first."""
    verdict, says = headline(result)
    counts = ((result.open, "open"), (result.cancelled, "cancelled"), (result.refused, "refused"))
    ended = [f"{result.completed:,} completed", *(f"{count:,} {name}" for count, name in counts if count)]
    share, cost = result.failed_share, result.cost
    observed = "" if share.observed is None else f"{percent(share.observed)}, "
    return [
        Tile("verdict", verdict.text.capitalize(), says.lstrip(": "), verdict.state),
        Tile("tasks", f"{result.tasks:,}", ", ".join(ended)),
        Tile("failed", f"{result.failed:,}", f"{observed}expected {percent(share.expected)}"),
        Tile("lost", f"{result.lost:,}", "accepted, never ended", "bad" if result.lost else "fine"),
        Tile("price", "–", "unknown")
        if cost is None
        else Tile(
            "price",
            f"{cost.batched.usd_per_million:.2f} USD",
            f"a million such tasks on AWS, {cost.tasks_per_request} per request",
        ),
    ]


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
    from ftask.bench import plots  # of an extra, and matplotlib takes half a second

    samples = result.samples
    latencies = {"submit to accept": samples.submit_seconds, "accept to start": samples.start_seconds}
    for number in sorted(set(samples.end_attempts))[:2]:
        latencies[f"accept to end, {plural(number, 'attempt')}"] = samples.ends_after(number)
    accepted_and_ended = {name: result.throughput.rates(name) for name in ("accepted", "ended")}
    return _fill(
        "report.html.j2",
        {
            "result": result,
            "tiles": tiles(result),
            "states": plots.states(result),
            "tables": result_tables(result),
            "plots": {"latency": plots.shares_over_time(latencies)},
            "throughput": plots.rates_over_time(accepted_and_ended),
            "machine": machine_text(result.machine),
            "own_parameters": MANAGED_PARAMETERS,
        },
    )


def render_comparison(first: Result, second: Result, names: tuple[str, str]) -> str:
    """Return two runs side by side as HTML; `names` are what they are called.

    Raises:
        FtaskError: the extra `report` is not installed.
    """
    require_installed()
    from ftask.bench import plots  # of an extra, and matplotlib takes half a second

    runs = list(zip(names, (first, second), strict=True))
    return _fill(
        "compare.html.j2",
        {
            "names": names,
            "runs": [
                {
                    "result": result,
                    "tiles": tiles(result),
                    "states": plots.states(result, f"states-{number}"),
                    "machine": machine_text(result.machine),
                }
                for number, (_, result) in enumerate(runs)
            ],
            "tables": comparison_tables(compare(first, second), names),
            "latency": plots.shares_over_time({name: result.samples.end_seconds for name, result in runs}),
            "throughput": plots.rates_over_time({name: result.throughput.rates("ended") for name, result in runs}),
        },
    )


def _fill(template: str, values: Mapping[str, Any]) -> str:
    import jinja2  # of an extra

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: (files("ftask.bench") / name).read_text()),
    )
    return environment.get_template(template).render(values)
