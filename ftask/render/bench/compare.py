"""Two runs side by side."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from ftask.bench.compare import Comparison, Difference
from ftask.core.text import percent
from ftask.render.tables import add_numbers, plain_table

# Room for a figure with its unit, however short the name of the run.
_FIGURE_WIDTH = 11
_ASSESSMENTS = {None: "", True: "more than noise", False: "noise"}


def comparison(compared: Comparison, first: str, second: str) -> RenderableType:
    """Draw one figure per row, then the settings that differ; `first` and `second` name the runs."""
    table = plain_table()
    table.add_column("", no_wrap=True)
    for heading in (first, second):
        table.add_column(heading, justify="right", overflow="fold", min_width=_FIGURE_WIDTH)
    add_numbers(table, "difference", "p")
    table.add_column("", overflow="fold")
    for difference in compared.differences:
        table.add_row(
            difference.name,
            _figure(difference, difference.first),
            _figure(difference, difference.second),
            _change(difference),
            "" if difference.p_value is None else f"{difference.p_value:.2g}",
            Text(_ASSESSMENTS[difference.more_than_noise], style="bold yellow" if difference.more_than_noise else ""),
        )
    if not compared.settings:
        return table
    settings = plain_table("settings that differ", first, second)
    for setting in compared.settings:
        settings.add_row(*setting)
    return Group(table, "", settings)


def _figure(difference: Difference, value: float | None) -> str:
    if value is None:
        return "–"
    return percent(value) if difference.unit == "" else f"{value:,.3g} {difference.unit}"


def _change(difference: Difference) -> str:
    first, second = difference.first, difference.second
    if first is None or second is None:
        return ""
    if difference.unit == "":
        return f"{(second - first) * 100:+.1f} points"
    return f"× {second / first:.2f}" if first else ""
