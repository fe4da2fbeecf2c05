"""The result of a run: its verdict first, then its figures."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ftask.bench.machine import machine_text
from ftask.bench.result import SIGNIFICANCE, UNANSWERED, AttemptCount, ErrorKind, Quantiles, Rate, Result, Share
from ftask.core.text import percent, plural
from ftask.render.bench.cost import cost_table
from ftask.render.tables import add_numbers, plain_table
from ftask.render.texts import duration, sparkline

BAR_WIDTH = 40
INTERVAL_WIDTH = 14
SPARKLINE_WIDTH = 60
_VERDICT_STYLES = {"consistent": "bold green", "not consistent": "bold yellow", "incomplete": "bold yellow"}


def summary(result: Result) -> RenderableType:
    """Draw the result of a run."""
    parts: list[RenderableType] = [
        verdict_line(result), "",
        _figures(result), "",
        _heading("attempts per task"), _attempts(result.attempts), "",
    ]  # fmt: skip
    if result.delays:
        parts += [_heading("backoff, and how late the next attempt began"), _delays(result), ""]
    parts += [_heading("latency"), _latency(result), "", _heading("throughput"), _throughput(result), ""]
    if result.errors:
        parts += [_heading("errors"), _errors(result.errors), ""]
    if result.cost is not None:
        parts += [_heading("cost on AWS"), cost_table(result.cost), ""]
    if result.machine is not None:
        parts += [_heading("machine"), Text(machine_text(result.machine), style="dim"), ""]
    if result.notes:
        parts += [*(Text(f"Note: {note}.", style="dim") for note in result.notes), ""]
    # The first line has scrolled away.
    return Group(*parts, verdict_line(result))


def verdict_line(result: Result) -> Text:
    """Return the headline: broken invariants before statistics."""
    if result.broken:
        return Text("BROKEN: " + "; ".join(result.broken), style="bold red")
    rate = f"an error rate of {percent(result.settings.error_rate)}"
    if result.verdict == "incomplete":
        return Text(f"incomplete: {result.stopped or 'no task ended'}: no verdict on {rate}", "bold yellow")
    headline = Text(result.verdict, style=_VERDICT_STYLES[result.verdict])
    return headline.append(f" with {rate}, at the {percent(SIGNIFICANCE)} level", style="default")


def _figures(result: Result) -> RenderableType:
    table = plain_table()
    table.add_column("", no_wrap=True)
    add_numbers(table, "observed", "expected")
    table.add_column("95 % interval", no_wrap=True)
    add_numbers(table, "p")
    table.add_column("│ is expected", no_wrap=True)
    rate, share = result.attempt_error_rate, result.failed_share
    table.add_row("failed attempts", *_proportion(rate))
    table.add_row("failed tasks", *_proportion(share))
    for name, observed, expected, holds in (
        ("lost tasks", result.lost, 0, result.lost == 0),
        ("over attempt limit", result.over_attempts, 0, result.over_attempts == 0),
        *(
            ()
            if result.stopped == UNANSWERED
            else (("dead letters", result.dead_letters, result.failed, result.dead_letters >= result.failed),)
        ),
    ):
        table.add_row(name, Text(f"{observed:,}", style="green" if holds else "bold red"), f"{expected:,}")
    ended = plural(result.completed + result.failed, "ended task")
    return Group(table, Text(f"{plural(rate.attempts, 'attempt')} of {ended}", style="dim"))


def _proportion(figure: Rate | Share) -> tuple[str, str, str, str, Text]:
    observed = "–" if figure.observed is None else percent(figure.observed)
    interval = f"{figure.low * 100:.1f} – {figure.high * 100:.1f} %"
    return observed, percent(figure.expected), interval, f"{figure.p_value:.2g}", _interval(figure)


def _interval(figure: Rate | Share, width: int = INTERVAL_WIDTH) -> Text:
    """Draw the interval to scale, with the observed share inside and a mark at the expected share."""
    left, right = min(figure.low, figure.expected), max(figure.high, figure.expected)
    span = (right - left) * 1.2 or 1.0
    start = (left + right) / 2 - span / 2

    def column(value: float) -> int:
        return min(width - 1, max(0, round((value - start) / span * (width - 1))))

    cells = [" "] * width
    for cell in range(column(figure.low), column(figure.high) + 1):
        cells[cell] = "─"
    if figure.observed is not None:
        cells[column(figure.observed)] = "●"
    drawn = Text("".join(cells), style="cyan")
    expected = column(figure.expected)
    mark = "◆" if cells[expected] == "●" else "│"
    return Text.assemble(drawn[:expected], (mark, "bold yellow"), drawn[expected + 1 :])


def _attempts(counts: Sequence[AttemptCount]) -> RenderableType:
    table = plain_table()
    add_numbers(table, "attempts", "tasks", "expected")
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
    table = plain_table()
    add_numbers(table, "after", "delays", "rule", "chosen", "wrong", "late p50", "late p99", "late max")
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
                else (f"{late:.2f} s" for late in (delay.lateness.p50, delay.lateness.p99, delay.lateness.max))
            ),
        )
    return table


def _span(low_seconds: float, high_seconds: float) -> str:
    low, high = f"{low_seconds:.4g}", f"{high_seconds:.4g}"
    return f"{low} s" if low == high else f"{low} – {high} s"


def _latency(result: Result) -> RenderableType:
    table = plain_table()
    table.add_column("", no_wrap=True)
    add_numbers(table, "p50", "p90", "p99", "max")
    latency = result.latency
    rows: list[tuple[str, Quantiles | None]] = [
        ("submit to accept", latency.submit),
        ("accept to start", latency.submit_to_start),
        *((f"accept to end, {plural(step.attempts, 'attempt')}", step.seconds) for step in latency.submit_to_end),
    ]
    for name, quantiles in rows:
        if quantiles is not None:
            points = (quantiles.p50, quantiles.p90, quantiles.p99, quantiles.max)
            table.add_row(name, *(f"{seconds:.3f} s" for seconds in points))
    return table


def _errors(errors: Sequence[ErrorKind]) -> RenderableType:
    table = plain_table()
    add_numbers(table, "attempts", "failed tasks")
    table.add_column("type", no_wrap=True)
    table.add_column("for example", overflow="fold")
    for kind in errors:
        table.add_row(f"{kind.attempts:,}", f"{kind.tasks:,}", Text(kind.type, style="bold"), kind.example)
    return table


def _throughput(result: Result) -> RenderableType:
    throughput = result.throughput
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="green")
    accepted_rate = "–" if throughput.accepted_per_second is None else f"{throughput.accepted_per_second:,.1f}/s"
    accepted = [interval.accepted for interval in throughput.timeline]
    ended = [interval.ended for interval in throughput.timeline]
    table.add_row("accepted", accepted_rate, sparkline(accepted, SPARKLINE_WIDTH))
    table.add_row("ended", f"{throughput.tasks_per_second:,.1f}/s", sparkline(ended, SPARKLINE_WIDTH))
    waited = throughput.backoff_seconds
    backoff = f"; backoff made one task wait {duration(waited)}" if waited else ""
    return Group(table, Text(f"{duration(throughput.seconds)} in total{backoff}", style="dim"))


def _heading(text: str) -> Text:
    return Text(text, style="bold")
