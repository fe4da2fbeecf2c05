"""Two runs side by side."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from ftask.bench.compare import Comparison
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
            difference.text(difference.first),
            difference.text(difference.second),
            difference.change,
            difference.p_text,
            Text(_ASSESSMENTS[difference.more_than_noise], style="bold yellow" if difference.more_than_noise else ""),
        )
    if not compared.settings:
        return table
    settings = plain_table("settings that differ", first, second)
    for setting in compared.settings:
        settings.add_row(*setting)
    return Group(table, "", settings)
