"""The plots of a report, as SVG. Colours are CSS variables, so that one file suits light and dark screens and paper."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from ftask.bench.result import Cost, Rate, Result, Share
from ftask.core.text import percent, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Matplotlib accepts only literal colours. These are unique, so that each can be replaced by a variable of the page.
_INK, _MUTED, _GRID = "#010203", "#020304", "#030405"
_SERIES = ("#040506", "#050607", "#060708", "#070809")
_EXPECTED = "#08090a"
# From the bottom of the plot to its top: what has ended first.
_STATES = {
    "completed": "#0a0b0c",
    "failed": "#0b0c0d",
    "cancelled": "#0c0d0e",
    "processing": "#0d0e0f",
    "retrying": "#0e0f10",
    "pending": "#0f1011",
}
_VARIABLES = {
    _INK: "--ink",
    _MUTED: "--muted",
    _GRID: "--grid",
    _EXPECTED: "--expected",
    **{colour: f"--series-{number}" for number, colour in enumerate(_SERIES, 1)},
    **{colour: f"--{name}" for name, colour in _STATES.items()},
}
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: it can be read, searched and printed sharply
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": _GRID,
    "xtick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.color": _MUTED,
    "ytick.labelcolor": _INK,
    "legend.frameon": False,
}
# Narrow, so that the text stays readable on a phone.
_WIDTH_INCHES = 4.8


def states(result: Result, name: str = "states") -> str:
    """Return a plot of the tasks by state over time. `name` distinguishes two of them in one page."""

    def draw(axes: Axes) -> None:
        seconds = [at.second for at in result.states]
        counts = {state: [getattr(at, state) for at in result.states] for state in _STATES}
        shown = {state: values for state, values in counts.items() if any(values)}
        axes.stackplot(
            seconds, *shown.values(), labels=list(shown), colors=[_STATES[state] for state in shown], linewidth=0
        )
        axes.set_xlabel("seconds")
        axes.set_ylabel("tasks")
        axes.set_xlim(0, seconds[-1])
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        _legend(axes)

    return _svg(name, 2.6, draw)


def outcomes(result: Result) -> str:
    """Return a plot of the observed shares with their intervals, and the expected shares."""
    rows: list[tuple[str, Rate | Share]] = [
        ("failed tasks", result.failed_share),
        ("failed attempts", result.attempt_error_rate),
    ]

    def draw(axes: Axes) -> None:
        for row, (_, figure) in enumerate(rows):
            axes.plot([figure.low, figure.high], [row, row], color=_SERIES[0], linewidth=6, alpha=0.35)
            if figure.observed is not None:
                label = "observed, 95 % interval" if row == 0 else ""
                axes.plot([figure.observed], [row], "o", color=_SERIES[0], markersize=9, label=label)
            label = "expected" if row == 0 else ""
            axes.plot([figure.expected], [row], "D", color=_EXPECTED, markersize=6, label=label)
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
        axes.grid(axis="y", visible=False)
        _legend(axes)

    return _svg("outcomes", 2.0, draw)


def attempts(result: Result) -> str:
    """Return a plot of how many tasks took how many attempts."""

    def draw(axes: Axes) -> None:
        numbers = [count.attempts for count in result.attempts]
        axes.bar(numbers, [count.tasks for count in result.attempts], color=_SERIES[0], width=0.6, label="tasks")
        expected = [count.expected for count in result.attempts]
        axes.plot(numbers, expected, "D", color=_EXPECTED, markersize=6, label="expected")
        for count in result.attempts:
            # Above the bar and the expected number.
            top = (count.attempts, max(count.tasks, count.expected))
            axes.annotate(f"{count.tasks:,}", top, xytext=(0, 7), textcoords="offset points", ha="center", color=_INK)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xticks(numbers)
        axes.set_xlabel("attempts")
        axes.set_xlim(0.4, max(numbers) + 0.6)
        axes.margins(y=0.15)
        axes.grid(axis="x", visible=False)
        _legend(axes)

    return _svg("attempts", 2.8, draw)


def backoff(result: Result) -> str:
    """Return a plot of the time between two attempts, and the delays that the rule allows."""

    def draw(axes: Axes) -> None:
        for position, delay in enumerate(result.delays):
            low, high = delay.rule_low, delay.rule_high
            label = "allowed by the rule" if position == 0 else ""
            axes.bar([delay.after_attempt], [high - low], bottom=[low], width=0.6, color=_EXPECTED, alpha=0.3)
            axes.hlines([low, high], delay.after_attempt - 0.3, delay.after_attempt + 0.3, color=_EXPECTED, label=label)
            axes.vlines(delay.after_attempt - 0.08, delay.shortest, delay.longest, color=_SERIES[0], linewidth=5)
            label = "chosen" if position == 0 else ""
            axes.plot(
                [delay.after_attempt - 0.08] * 2, [delay.shortest, delay.longest], "o", color=_SERIES[0], label=label
            )
            late = delay.lateness
            if late is not None:
                at = delay.after_attempt + 0.08
                axes.vlines(at, delay.longest + late.p50, delay.longest + late.max, color=_SERIES[1], linewidth=1.5)
                label = "until the next attempt: p50, p99, max" if position == 0 else ""
                reached = [delay.longest + seconds for seconds in (late.p50, late.p99, late.max)]
                axes.plot([at] * 3, reached, "_", color=_SERIES[1], markersize=10, label=label)
        numbers = [delay.after_attempt for delay in result.delays]
        axes.set_xticks(numbers)
        axes.set_xlim(min(numbers) - 0.6, max(numbers) + 0.6)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("after failed attempt")
        axes.set_ylabel("seconds")
        axes.grid(axis="x", visible=False)
        _legend(axes)

    return _svg("backoff", 2.8, draw)


def latency(result: Result) -> str:
    """Return a plot of the share of tasks that were done with each step after some time."""
    samples = result.samples
    series = [("submit to accept", samples.submit_seconds), ("accept to start", samples.start_seconds)]
    for number in sorted(set(samples.end_attempts))[:2]:
        pairs = zip(samples.end_seconds, samples.end_attempts, strict=True)
        series.append((f"accept to end, {plural(number, 'attempt')}", [end for end, made in pairs if made == number]))

    def draw(axes: Axes) -> None:
        for (name, values), colour in zip(series, _SERIES, strict=False):
            _draw_shares(axes, values, name, colour)
        _set_shares(axes)

    return _svg("latency", 3.0, draw)


def latency_of_two(results: Sequence[Result], names: Sequence[str]) -> str:
    """Return a plot of the share of tasks that had ended after some time, in two runs; empty if none ended."""
    if not any(result.samples.end_seconds for result in results):
        return ""

    def draw(axes: Axes) -> None:
        for result, name, colour in zip(results, names, _SERIES, strict=False):
            _draw_shares(axes, result.samples.end_seconds, name, colour)
        _set_shares(axes)

    return _svg("latency", 2.8, draw)


def throughput_of_two(results: Sequence[Result], names: Sequence[str]) -> str:
    """Return a plot of ended tasks per second over time, in two runs."""

    def draw(axes: Axes) -> None:
        for result, name, colour in zip(results, names, _SERIES, strict=False):
            timeline = result.throughput.timeline
            rates = [interval.ended / result.throughput.bin_seconds for interval in timeline]
            seconds = [interval.second for interval in timeline]
            axes.step(seconds, rates, where="post", color=colour, linewidth=1.8, label=name)
        _set_rates(axes)

    return _svg("throughput", 2.6, draw)


def throughput(result: Result) -> str:
    """Return a plot of accepted and ended tasks over time."""
    timeline, bin_seconds = result.throughput.timeline, result.throughput.bin_seconds

    def draw(axes: Axes) -> None:
        seconds = [interval.second for interval in timeline]
        for name, counts, colour in (
            ("accepted", [interval.accepted for interval in timeline], _SERIES[1]),
            ("ended", [interval.ended for interval in timeline], _SERIES[0]),
        ):
            rates = [count / bin_seconds for count in counts]
            axes.step(seconds, rates, where="post", color=colour, linewidth=1.8, label=name)
        _set_rates(axes)

    return _svg("throughput", 2.6, draw)


def cost(bills: Cost, tasks: int) -> str:
    """Return a plot of what a million tasks cost by item, batched and unbatched. `tasks` is the number in the bills."""

    def draw(axes: Axes) -> None:
        names = [item.name for item in bills.batched.items]
        for offset, label, bill, colour in (
            (-0.19, "batched", bills.batched, _SERIES[0]),
            (0.19, "unbatched", bills.unbatched, _SERIES[2]),
        ):
            usd = [item.usd / tasks * 1_000_000 for item in bill.items]
            bars = axes.barh([row + offset for row in range(len(names))], usd, height=0.36, color=colour, label=label)
            axes.bar_label(bars, fmt="{:.2f}", color=_INK, padding=3, fontsize=8)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel("USD for a million tasks")
        axes.margins(x=0.12)
        axes.grid(axis="y", visible=False)
        _legend(axes)

    return _svg("cost", 3.4, draw)


def _draw_shares(axes: Axes, values: Sequence[float], name: str, colour: str) -> None:
    if values:
        # A logarithmic axis has no zero.
        ordered = [max(0.001, value) for value in sorted(values)]
        shares = [(position + 1) / len(ordered) for position in range(len(ordered))]
        axes.step(ordered, shares, where="post", color=colour, linewidth=1.8, label=name)


def _set_shares(axes: Axes) -> None:
    axes.set_xscale("log")
    # From one power of ten to another, so that a short axis has labels too; on a long one the steps have no room.
    axes.margins(x=0)
    low, high = floor(log10(axes.get_xlim()[0])), ceil(log10(axes.get_xlim()[1]))
    axes.set_xlim(10.0**low, 10.0**high)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high - low <= 2 else (1,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
    axes.set_xlabel("seconds")
    axes.set_ylim(0, 1.02)
    _legend(axes)


def _set_rates(axes: Axes) -> None:
    axes.set_xlabel("seconds")
    axes.set_ylabel("tasks per second")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.margins(y=0.15)
    _legend(axes)


def _legend(axes: Axes) -> None:
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22 if axes.get_xlabel() else -0.16), ncols=2, fontsize=9)


def _svg(name: str, height_inches: float, draw: Callable[[Axes], None]) -> str:
    import matplotlib as mpl

    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(_WIDTH_INCHES, height_inches))
        draw(figure.add_subplot())
        text = io.StringIO()
        figure.savefig(text, format="svg", bbox_inches="tight", transparent=True, metadata={"Date": None})
    return _embeddable(text.getvalue(), name)


def _embeddable(svg: str, name: str) -> str:
    """Return the plot as part of a page: no prologue or metadata, unique ids, the colours and width of the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(
        r'<svg [^>]*?(viewBox="[^"]+")[^>]*>', r'<svg class="plot" xmlns="http://www.w3.org/2000/svg" \1>', svg, count=1
    )
    svg = svg.replace("xlink:href", "href")
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return svg
