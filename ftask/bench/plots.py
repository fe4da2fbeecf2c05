"""The plots of a report, as SVG. Colours are CSS variables, so that one file suits light and dark screens and paper."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor, log10
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ftask.bench.result import Result
from ftask.core.text import percent

# From the bottom of the plot to its top: what has ended first.
_STATES = ("completed", "failed", "cancelled", "processing", "retrying", "pending")
_SERIES = ("series-1", "series-2", "series-3", "series-4")
# Matplotlib accepts only literal colours: each is unique, to be replaced by a variable of the page.
_COLOURS = {
    name: f"#0102{number:02x}" for number, name in enumerate(("ink", "muted", "grid", *_SERIES, *_STATES), start=16)
}
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: it can be read, searched and printed sharply
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _COLOURS["ink"],
    "axes.edgecolor": _COLOURS["muted"],
    "axes.labelcolor": _COLOURS["ink"],
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=[_COLOURS[name] for name in _SERIES]),
    "grid.color": _COLOURS["grid"],
    "xtick.color": _COLOURS["muted"],
    "xtick.labelcolor": _COLOURS["ink"],
    "ytick.color": _COLOURS["muted"],
    "ytick.labelcolor": _COLOURS["ink"],
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}
# Narrow, so that the text stays readable on a phone.
_SIZE_INCHES = (4.8, 2.8)


def states(result: Result, name: str = "states") -> str:
    """Return a plot of the tasks by state over time. `name` distinguishes two of them in one page."""

    def draw(axes: Axes) -> None:
        seconds = [at.second for at in result.states]
        counts = {state: [getattr(at, state) for at in result.states] for state in _STATES}
        shown = {state: values for state, values in counts.items() if any(values)}
        colours = [_COLOURS[state] for state in shown]
        axes.stackplot(seconds, *shown.values(), labels=list(shown), colors=colours, linewidth=0)
        axes.set(xlabel="seconds", ylabel="tasks", xlim=(0, seconds[-1]), ylim=(0, None))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))

    return _svg(name, draw)


def shares_over_time(samples: Mapping[str, Sequence[float]]) -> str:
    """Return a plot of the share of tasks that were done after some time, a line for each of `samples`."""

    def draw(axes: Axes) -> None:
        for name, values in samples.items():
            if values:
                # A logarithmic axis has no zero.
                ordered = [max(0.001, value) for value in sorted(values)]
                axes.step(
                    ordered, [(rank + 1) / len(ordered) for rank in range(len(ordered))], where="post", label=name
                )
        axes.set(xscale="log", xlabel="seconds", ylim=(0, 1.02))
        # From one power of ten to another, so that a short axis has labels too; on a long one the steps have no room.
        axes.margins(x=0)
        low, high = floor(log10(axes.get_xlim()[0])), ceil(log10(axes.get_xlim()[1]))
        axes.set_xlim(10.0**low, 10.0**high)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high - low <= 2 else (1,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))

    return _svg("latency", draw)


def rates_over_time(series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Return a plot of tasks per second over time, a line for each of `series`: pairs of second and rate."""

    def draw(axes: Axes) -> None:
        for name, rates in series.items():
            axes.step(*zip(*rates, strict=True), where="post", label=name)
        axes.set(xlabel="seconds", ylabel="tasks per second", xlim=(0, None), ylim=(0, None))
        axes.margins(y=0.15)

    return _svg("throughput", draw)


def _svg(name: str, draw: Callable[[Axes], None]) -> str:
    """Return the plot as part of a page: no prologue or metadata, unique ids, the colours and width of the page."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=_SIZE_INCHES)
        axes = figure.add_subplot()
        draw(axes)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=2)
        text = io.StringIO()
        figure.savefig(text, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    root = r'<svg class="plot" xmlns="http://www.w3.org/2000/svg" \1>'
    svg = re.sub(r'<svg [^>]*?(viewBox="[^"]+")[^>]*>', root, svg, count=1).replace("xlink:href", "href")
    for variable, colour in _COLOURS.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg
