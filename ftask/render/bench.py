"""The experiment in a terminal: its progress, its verdict, its figures."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ftask.bench.compare import Comparison, Difference
from ftask.bench.experiment import Progress
from ftask.bench.result import SIGNIFICANCE, AttemptCount, Cost, Quantiles, Rate, Result, Share
from ftask.bench.simulation import Cell
from ftask.core.model import Status
from ftask.core.text import percent, plural
from ftask.render.board import sparkline
from ftask.render.durations import duration
from ftask.render.tasks import STYLES

BAR_WIDTH = 40
INTERVAL_WIDTH = 14
_VERDICT_STYLES = {"consistent": "bold green", "not consistent": "bold yellow", "incomplete": "bold yellow"}


def progress(seen: Progress) -> RenderableType:
    """How far a run has come, on three lines."""
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=max(1, seen.total), completed=seen.ended, width=BAR_WIDTH),
        Text(f"{seen.ended:,} of {seen.total:,} ended", style="bold"),
    )
    states = Text(f"{seen.submitted:,} submitted   ", style="")
    for status in Status:
        if seen.states[status]:
            states.append(f"{seen.states[status]:,} {status.lower()}   ", style=STYLES[status])
    if seen.refused:
        states.append(f"{seen.refused:,} refused", style="bold red")
    return Group(bar, states, Text(_pace(seen), style="dim"))


def progress_line(seen: Progress) -> str:
    """The same as one line of plain text."""
    counts = ", ".join(f"{seen.states[status]:,} {status.lower()}" for status in Status if seen.states[status])
    return f"{seen.submitted:,} of {seen.total:,} submitted: {counts}; {_pace(seen)}"


def _pace(seen: Progress) -> str:
    left = "" if seen.seconds_left is None else f", about {duration(seen.seconds_left)} left"
    return f"{seen.per_second:.1f} ended a second{left}"


def summary(result: Result) -> RenderableType:
    """What a run found."""
    parts: list[RenderableType] = [
        verdict_line(result), "",
        _figures(result), "",
        _heading("attempts a task took"), _attempts(result.attempts), "",
    ]  # fmt: skip
    if result.delays:
        parts += [_heading("backoff"), _delays(result), ""]
    parts += [_heading("latency"), _latency(result), "", _heading("throughput"), _throughput(result), ""]
    if result.cost is not None:
        parts += [_heading("cost on AWS"), _cost(result.cost), ""]
    parts += [Text(f"Note: {note}.", style="dim") for note in result.notes]
    return Group(*parts)


def verdict_line(result: Result) -> Text:
    """The headline: broken invariants before statistics."""
    if result.broken:
        return Text("BROKEN: " + "; ".join(result.broken), style="bold red")
    rate = f"an error rate of {percent(result.settings.error_rate)}"
    if result.verdict == "incomplete":
        return Text(f"incomplete: {result.stopped or 'no task ended'}, so there is no verdict on {rate}", "bold yellow")
    line = Text(result.verdict, style=_VERDICT_STYLES[result.verdict])
    return line.append(f" with {rate}, at the {percent(SIGNIFICANCE)} level", style="default")


def _figures(result: Result) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("", "observed", "expected", "95 % interval", "p", "│ is expected"):
        table.add_column(name, no_wrap=True, justify="right" if name in ("observed", "expected", "p") else "left")
    rate, share = result.attempt_error_rate, result.failed_share
    table.add_row("failed attempts", *_proportion(rate))
    table.add_row("failed tasks", *_proportion(share))
    for name, observed, expected, fine in (
        ("lost tasks", result.lost, 0, result.lost == 0),
        ("over their attempts", result.over_attempts, 0, result.over_attempts == 0),
        ("dead letters", result.dead_letters, result.failed, result.dead_letters >= result.failed),
    ):
        table.add_row(name, Text(f"{observed:,}", style="green" if fine else "bold red"), f"{expected:,}")
    ended = plural(result.completed + result.failed, "task")
    return Group(table, Text(f"{plural(rate.attempts, 'attempt')} at {ended} that ended", style="dim"))


def _proportion(figure: Rate | Share) -> tuple[str, str, str, str, Text]:
    observed = "–" if figure.observed is None else percent(figure.observed)
    interval = f"{figure.low * 100:.1f} – {figure.high * 100:.1f} %"
    drawn = _interval(figure.low, figure.high, figure)
    return observed, percent(figure.expected), interval, f"{figure.p_value:.2g}", drawn


def _interval(low: float, high: float, figure: Rate | Share, width: int = INTERVAL_WIDTH) -> Text:
    """The interval drawn, with the observed share and the expected one in it, or beside it."""
    left, right = min(low, figure.expected), max(high, figure.expected)
    span = (right - left) * 1.2 or 1.0
    start = (left + right) / 2 - span / 2

    def column(value: float) -> int:
        return min(width - 1, max(0, round((value - start) / span * (width - 1))))

    cells = [" "] * width
    for cell in range(column(low), column(high) + 1):
        cells[cell] = "─"
    if figure.observed is not None:
        cells[column(figure.observed)] = "●"
    drawn = Text("".join(cells), style="cyan")
    expected = column(figure.expected)
    mark = "◆" if cells[expected] == "●" else "│"
    return Text.assemble(drawn[:expected], (mark, "bold yellow"), drawn[expected + 1 :])


def _attempts(counts: Sequence[AttemptCount]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("attempts", justify="right")
    table.add_column("tasks", justify="right")
    table.add_column("expected", justify="right")
    table.add_column("│ is the expected number")
    top = max([1.0, *(count.tasks for count in counts), *(count.expected for count in counts)])
    for count in counts:
        filled, mark = round(count.tasks / top * BAR_WIDTH), round(count.expected / top * BAR_WIDTH)
        cells = ["█"] * filled + [" "] * (BAR_WIDTH + 1 - filled)
        bar = Text("".join(cells), style="green" if count.attempts == 1 else "yellow")
        bar = Text.assemble(bar[:mark], ("│", "bold"), bar[mark + 1 :])
        table.add_row(str(count.attempts), f"{count.tasks:,}", f"{count.expected:,.1f}", bar)
    return table


def _delays(result: Result) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("after", "delays", "rule", "chosen", "wrong", "next late by p50", "p99", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    for delay in result.delays:
        wrong = delay.outside + delay.too_early
        table.add_row(
            str(delay.after_attempt),
            f"{delay.count:,}",
            _span(delay.rule_low, delay.rule_high),
            _span(delay.shortest, delay.longest),
            Text("none" if wrong == 0 else f"{wrong:,}", style="green" if wrong == 0 else "bold red"),
            *(
                ("–",) * 3
                if delay.lateness is None
                else (f"{each:.2f} s" for each in (delay.lateness.p50, delay.lateness.p99, delay.lateness.max))
            ),
        )
    return table


def _span(low: float, high: float) -> str:
    return f"{low:g} s" if low == high else f"{low:g} – {high:g} s"


def _latency(result: Result) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("", "p50", "p90", "p99", "max"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    latency = result.latency
    rows: list[tuple[str, Quantiles | None]] = [
        ("submit until accepted", latency.submit),
        ("created until begun", latency.submit_to_start),
        *((f"until ended, {plural(each.attempts, 'attempt')}", each.seconds) for each in latency.submit_to_end),
    ]
    for name, values in rows:
        if values is not None:
            table.add_row(name, *(f"{each:.3f} s" for each in (values.p50, values.p90, values.p99, values.max)))
    return table


def _throughput(result: Result) -> RenderableType:
    through = result.throughput
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="green")
    ended = [each.ended for each in through.timeline]
    accepted = [each.accepted for each in through.timeline]
    rate = "–" if through.accepted_per_second is None else f"{through.accepted_per_second:.1f}/s"
    table.add_row("accepted", rate, sparkline(accepted, 60))
    table.add_row("ended", f"{through.tasks_per_second:.1f}/s", sparkline(ended, 60))
    backoff = f", of which backoff imposed {duration(through.backoff_seconds)}" if through.backoff_seconds else ""
    return Group(table, Text(f"{duration(through.seconds)} in all{backoff}", style="dim"))


def _cost(cost: Cost) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    for name in ("this run", "", "USD", "USD unbatched"):
        table.add_column(name, justify="left" if name == "" else "right", no_wrap=True)
    for item, alone in zip(cost.batched.items, cost.unbatched.items, strict=True):
        table.add_row(item.name, quantity(item.quantity), item.unit, f"{item.usd:.6f}", f"{alone.usd:.6f}")
    for name, batched, unbatched in (
        ("this run", f"{cost.batched.usd:.6f}", f"{cost.unbatched.usd:.6f}"),
        ("a million such tasks", f"{cost.batched.usd_per_million:.2f}", f"{cost.unbatched.usd_per_million:.2f}"),
    ):
        table.add_row(Text(name, style="bold"), "", "", Text(batched, style="bold"), unbatched)
    sources = (
        f"List prices of {cost.region} on {cost.priced_on}; {cost.records_per_batch:g} messages a batch;"
        f" durations measured on {cost.measured_on}."
    )
    return Group(table, Text(sources, style="dim"))


def quantity(value: float) -> str:
    """A count in full, a small amount with its digits."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.4g}"


def comparison(found: Comparison, first: str, second: str) -> RenderableType:
    """Two runs side by side."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    for name in (first, second, "difference", "p", ""):
        table.add_column(name, justify="right" if name else "left", overflow="ellipsis")
    for each in found.differences:
        says = {None: "", True: "more than noise", False: "noise"}[each.more_than_noise]
        style = "bold yellow" if each.more_than_noise else ""
        p_value = "" if each.p_value is None else f"{each.p_value:.2g}"
        left, right = _figure(each, each.first), _figure(each, each.second)
        table.add_row(each.name, left, right, _change(each), p_value, Text(says, style=style))
    if not found.settings:
        return table
    settings = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("settings that differ", first, second):
        settings.add_column(name, overflow="ellipsis")
    for row in found.settings:
        settings.add_row(*row)
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


def sweep(cells: Sequence[Cell], *, surprising: float, simulated: bool) -> RenderableType:
    """A table of settings: what they come to in closed form and, if `simulated`, what the protocol made of them."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    names = ["error rate", "attempts", "failed", "mean attempts", "mean backoff"]
    if simulated:
        names += ["simulated: failed", "mean attempts", "mean backoff", "smallest p"]
    for name in names:
        table.add_column(name, justify="right", no_wrap=not simulated)
    for cell in cells:
        promised = cell.expectation
        row: list[str | Text] = [
            percent(promised.rate),
            str(promised.max_attempts),
            f"{promised.failed_share:.4%}",
            f"{promised.mean_attempts:.4f}",
            f"{promised.mean_backoff_seconds:.3f} s",
        ]
        if simulated:
            p_value = min(cell.p_values())
            row += [
                f"{cell.failed_share:.4%}",
                f"{cell.mean_attempts:.4f}",
                f"{cell.mean_backoff_seconds:.3f} s",
                Text(f"{p_value:.2g}", style="bold red" if p_value < surprising else "green"),
            ]
        table.add_row(*row)
    return table


def _heading(text: str) -> Text:
    return Text(text, style="bold")
