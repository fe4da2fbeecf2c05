"""The tables of results as text: a terminal and a page show the same cells. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ftask.bench.compare import Comparison
from ftask.bench.cost import cost_notes, quantity_text
from ftask.bench.result import SIGNIFICANCE, UNANSWERED, Cost, Rate, Result, Share
from ftask.core.text import percent, plural

BAR_WIDTH = 40
INTERVAL_WIDTH = 14
# Room for a figure with its unit, however short the name of the run.
_FIGURE_WIDTH = 11


class Column(NamedTuple):
    """A heading; numbers are aligned to the right, text may go on in the next line if it `folds`."""

    heading: str
    is_number: bool = True
    folds: bool = False
    min_width: int | None = None


class Cell(NamedTuple):
    """A text, and its state: `fine`, `odd`, `bad`, `strong`, `drawn`, or empty."""

    text: str
    state: str = ""


class Table(NamedTuple):
    """A titled table, and the sentences below it."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()


def headline(result: Result) -> tuple[Cell, str]:
    """Return the verdict, broken invariants before statistics, and what it says more."""
    if result.broken:
        return Cell("BROKEN", "bad"), ": " + "; ".join(result.broken)
    rate = f"an error rate of {percent(result.settings.error_rate)}"
    if result.verdict == "incomplete":
        return Cell("incomplete", "odd"), f": {result.stopped or 'no task ended'}: no verdict on {rate}"
    verdict = Cell(result.verdict, "fine" if result.verdict == "consistent" else "odd")
    return verdict, f" with {rate}, at the {percent(SIGNIFICANCE)} level"


def result_tables(result: Result) -> list[Table]:
    """Return the tables of a run; those without rows are left out."""
    tables = [_figures(result), _attempts(result), _delays(result), _latency(result), _errors(result)]
    if result.cost is not None:
        tables.append(_cost(result.cost))
    return [table for table in tables if table.rows]


def _text(heading: str = "", *, folds: bool = False) -> Column:
    return Column(heading, is_number=False, folds=folds)


def _numbers(*headings: str) -> list[Column]:
    return [Column(heading) for heading in headings]


def _row(*cells: str | Cell) -> list[Cell]:
    return [cell if isinstance(cell, Cell) else Cell(cell) for cell in cells]


def _figures(result: Result) -> Table:
    rate, share = result.attempt_error_rate, result.failed_share
    invariants = [
        ("lost tasks", result.lost, 0, result.lost == 0),
        ("over attempt limit", result.over_attempts, 0, result.over_attempts == 0),
    ]
    if result.stopped != UNANSWERED:
        invariants.append(("dead letters", result.dead_letters, result.failed, result.dead_letters >= result.failed))
    notes = [f"{plural(rate.attempts, 'attempt')} of {plural(result.completed + result.failed, 'ended task')}"]
    if result.lost_attempts:
        notes.append(f"{plural(result.lost_attempts, 'attempt')} in no rate, because the worker died")
    return Table(
        "failures and invariants",
        [_text(), *_numbers("observed", "expected"), _text("95 % interval"), *_numbers("p"), _text("│ is expected")],
        [
            _proportion("failed attempts", rate),
            _proportion("failed tasks", share),
            *(
                _row(name, Cell(f"{observed:,}", "fine" if holds else "bad"), f"{expected:,}", "", "", "")
                for name, observed, expected, holds in invariants
            ),
        ],
        notes,
    )


def _proportion(name: str, figure: Rate | Share) -> list[Cell]:
    observed = "–" if figure.observed is None else percent(figure.observed)
    interval = f"{figure.low * 100:.1f} – {figure.high * 100:.1f} %"
    return _row(name, observed, percent(figure.expected), interval, f"{figure.p_value:.2g}", _interval(figure))


def _interval(figure: Rate | Share) -> Cell:
    """Draw the interval to scale, with the observed share inside and a mark at the expected share."""
    left, right = min(figure.low, figure.expected), max(figure.high, figure.expected)
    span = (right - left) * 1.2 or 1.0
    start = (left + right) / 2 - span / 2

    def column(value: float) -> int:
        return min(INTERVAL_WIDTH - 1, max(0, round((value - start) / span * (INTERVAL_WIDTH - 1))))

    cells = [" "] * INTERVAL_WIDTH
    for cell in range(column(figure.low), column(figure.high) + 1):
        cells[cell] = "─"
    if figure.observed is not None:
        cells[column(figure.observed)] = "●"
    expected = column(figure.expected)
    cells[expected] = "◆" if cells[expected] == "●" else "│"
    return Cell("".join(cells), "drawn")


def _attempts(result: Result) -> Table:
    top = max([1.0, *(count.tasks for count in result.attempts), *(count.expected for count in result.attempts)])

    def bar(tasks: int, expected: float) -> Cell:
        filled, mark = round(tasks / top * BAR_WIDTH), round(expected / top * BAR_WIDTH)
        cells = ["█"] * filled + [" "] * (BAR_WIDTH + 1 - filled)
        cells[mark] = "│"
        return Cell("".join(cells), "drawn")

    return Table(
        "attempts per task",
        [*_numbers("attempts", "tasks", "expected"), _text("│ is the expected number")],
        [
            _row(f"{count.attempts}", f"{count.tasks:,}", f"{count.expected:,.1f}", bar(count.tasks, count.expected))
            for count in result.attempts
        ],
    )


def _delays(result: Result) -> Table:
    rows = []
    for delay in result.delays:
        wrong, late = delay.outside + delay.too_early, delay.lateness
        lateness = ("–",) * 3 if late is None else (f"{seconds:.2f} s" for seconds in (late.p50, late.p99, late.max))
        rule, chosen = _span(delay.rule_low, delay.rule_high), _span(delay.shortest, delay.longest)
        wrong_cell = Cell(f"{wrong:,}", "bad") if wrong else Cell("none", "fine")
        rows.append(_row(str(delay.after_attempt), f"{delay.count:,}", rule, chosen, wrong_cell, *lateness))
    return Table(
        "backoff, and how late the next attempt began",
        _numbers("after", "delays", "rule", "chosen", "wrong", "late p50", "late p99", "late max"),
        rows,
        ["SQS delays are whole seconds, so an attempt may begin up to 1 s late, plus what SQS and Lambda take."],
    )


def _span(low_seconds: float, high_seconds: float) -> str:
    low, high = f"{low_seconds:.4g}", f"{high_seconds:.4g}"
    return f"{low} s" if low == high else f"{low} – {high} s"


def _latency(result: Result) -> Table:
    latency = result.latency
    steps = [
        ("submit to accept", latency.submit),
        ("accept to start", latency.submit_to_start),
        *((f"accept to end, {plural(step.attempts, 'attempt')}", step.seconds) for step in latency.submit_to_end),
    ]
    return Table(
        "latency",
        [_text(), *_numbers("p50", "p90", "p99", "max")],
        [
            _row(name, *(f"{seconds:.3f} s" for seconds in (step.p50, step.p90, step.p99, step.max)))
            for name, step in steps
            if step is not None
        ],
    )


def _errors(result: Result) -> Table:
    return Table(
        "errors",
        [*_numbers("attempts", "failed tasks"), _text("type"), _text("for example", folds=True)],
        [
            _row(f"{kind.attempts:,}", f"{kind.tasks:,}", Cell(kind.type, "strong"), kind.example)
            for kind in result.errors
        ],
    )


def _cost(cost: Cost) -> Table:
    batched, unbatched = cost.batched, cost.unbatched
    return Table(
        "cost on AWS",
        [_text(), *_numbers("quantity"), _text(), *_numbers("USD", "USD unbatched")],
        [
            *(
                _row(item.name, *quantity_text(item), f"{item.usd:.6f}", f"{alone.usd:.6f}")
                for item, alone in zip(batched.items, unbatched.items, strict=True)
            ),
            _total("this run", f"{batched.usd:.6f}", f"{unbatched.usd:.6f}"),
            _total("a million such tasks", f"{batched.usd_per_million:.2f}", f"{unbatched.usd_per_million:.2f}"),
        ],
        cost_notes(cost),
    )


def _total(name: str, batched: str, unbatched: str) -> list[Cell]:
    return _row(Cell(name, "strong"), "", "", Cell(batched, "strong"), unbatched)


def comparison_tables(compared: Comparison, names: Sequence[str]) -> list[Table]:
    """Return the differences of two runs with these names, then the settings that differ, if any."""
    runs = [Column(name, folds=True, min_width=_FIGURE_WIDTH) for name in names]
    differences = []
    for each in compared.differences:
        p, noise = "", ""
        if each.p_value is not None:
            p = "< 0.001" if each.p_value < 0.001 else f"{each.p_value:.2g}"
            noise = "more than noise" if each.more_than_noise else "noise"
        figures = (each.text(each.first), each.text(each.second), each.change)
        differences.append(_row(each.name, *figures, p, Cell(noise, "odd" if each.more_than_noise else "")))
    settings = [_row(each.name, each.first, each.second) for each in compared.settings]
    tables = [
        Table("", [_text(), *runs, *_numbers("difference", "p"), _text(folds=True)], differences),
        Table("", [_text("settings that differ", folds=True), *(_text(name, folds=True) for name in names)], settings),
    ]
    return [table for table in tables if table.rows]
