"""Reports for a browser: self-contained HTML pages of one run, and of two side by side."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.bench.compare import Difference, compare
from ftask.bench.cost import cost_notes, quantity_text
from ftask.bench.result import UNANSWERED, Result
from ftask.bench.tiles import tiles
from ftask.core.errors import FtaskError
from ftask.core.text import percent, plural
from ftask.distribution import missing_extra


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
    from ftask.bench import plots

    drawn = {
        "states": plots.states(result) if result.states else "",
        "outcomes": plots.outcomes(result),
        "attempts": plots.attempts(result),
        "backoff": plots.backoff(result) if result.delays else "",
        "latency": plots.latency(result),
        "throughput": plots.throughput(result),
        "cost": plots.cost(result.cost, result.tasks) if result.cost is not None else "",
    }
    return _fill(
        "report.html.j2",
        {
            "result": result,
            "plots": drawn,
            "tiles": tiles(result),
            "cost_notes": [] if result.cost is None else cost_notes(result.cost),
            "own_parameters": MANAGED_PARAMETERS,
            "unanswered": UNANSWERED,
        },
    )


def render_comparison(first: Result, second: Result, names: tuple[str, str]) -> str:
    """Return two runs side by side as HTML; `names` are what they are called.

    Raises:
        FtaskError: the extra `report` is not installed.
    """
    require_installed()
    from ftask.bench import plots

    compared = compare(first, second)
    results = (first, second)
    return _fill(
        "compare.html.j2",
        {
            "names": names,
            "runs": [
                {
                    "result": result,
                    "tiles": tiles(result),
                    "states": plots.states(result, f"states-{number}") if result.states else "",
                }
                for number, result in enumerate(results)
            ],
            "rows": [_row(difference) for difference in compared.differences],
            "settings": compared.settings,
            "plots": {
                "latency": plots.latency_of_two(results, names),
                "throughput": plots.throughput_of_two(results, names),
            },
        },
    )


def _row(difference: Difference) -> dict[str, Any]:
    return {
        "name": difference.name,
        "first": difference.text(difference.first),
        "second": difference.text(difference.second),
        "change": difference.change or "–",
        "p": "" if difference.p_value is None else _assessment(difference),
        "more_than_noise": difference.more_than_noise,
    }


def _assessment(difference: Difference) -> str:
    words = "more than noise" if difference.more_than_noise else "noise"
    return f"{words}, p {difference.p_text}"


def _fill(template: str, values: Mapping[str, Any]) -> str:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(lambda name: (files("ftask.bench") / name).read_text()),
    )
    environment.filters |= {"percent": percent, "plural": plural, "quantity": quantity_text}
    return environment.get_template(template).render(values)
