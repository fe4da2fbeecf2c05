"""What `ftask bench` shows in a terminal."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from ftask.bench.compare import compare
from ftask.bench.cost import quantity_text
from ftask.bench.estimate import Load, estimate
from ftask.bench.experiment import Progress
from ftask.bench.prices import Prices
from ftask.bench.result import UNANSWERED, Item
from ftask.core.model import Status
from ftask.render.bench import comparison, month_table, progress, progress_line, summary, usd
from ftask.submission.watch import WaitProgress
from tests.support.clock import EPOCH
from tests.support.drawing import drawn
from tests.support.runs import USUAL, a_bill, observed, result, tasks


@pytest.mark.parametrize("width", [80, 200])
def test_the_summary_says_the_verdict_first_and_fits(width: int) -> None:
    text = drawn(summary(result(cost=a_bill())), width)
    assert text.startswith("consistent with an error rate of 30 %")
    assert "a million such tasks" in text
    # The first line has scrolled away by then.
    lines = text.splitlines()
    assert lines[-1].strip() == lines[0].strip()
    assert text[text.index("\nerrors\n") :].split()[1:5] == ["attempts", "failed", "tasks", "type"]
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_without_an_answer_the_dead_letters_are_not_judged() -> None:
    cut_off = replace(observed(tasks(*USUAL), lost=5, letters=0, stopped=UNANSWERED), lost=frozenset())
    text = drawn(summary(result(cut_off)), 100)
    assert text.startswith("incomplete: the stage stopped answering")
    assert "dead letters" not in text
    assert result(cut_off).broken == []
    assert result(observed(tasks(*USUAL), letters=0)).broken == ["0 dead letters for 90 failed tasks"]


def test_broken_invariants_come_before_any_statistics() -> None:
    text = drawn(summary(result(observed(tasks(690, 210, 90), lost=10))), 100)
    assert text.startswith("BROKEN: 10 tasks lost")


@pytest.mark.parametrize("width", [80, 200])
def test_a_comparison_has_every_figure_whole(width: int) -> None:
    compared = compare(result(cost=a_bill()), result(observed(tasks(400, 200, 400))))
    text = drawn(comparison(compared, ("a-run-with-a-rather-long-name", "B")), width)
    price = f"{a_bill().batched.usd_per_million:.3g} USD"
    for figure in ("62.5 %", "+32.5 points", "tasks/s", price, "noise"):
        assert figure in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_progress_says_how_many_are_submitted_and_refused() -> None:
    seen = WaitProgress(2000, Counter({Status.COMPLETED: 1200, Status.RETRYING: 300}), Counter(), Counter(), 5, 20, 80)
    assert progress_line(Progress(1500, 2, seen), EPOCH).endswith(
        "  1,200 of 2,000 ended: 300 RETRYING, 1,200 COMPLETED; 20.0 ended/s, about 1 m 20 s left;"
        " 1,500 submitted, 2 refused"
    )
    assert "1,500 submitted   2 refused" in drawn(progress(Progress(1500, 2, seen)), 80)


def test_progress_before_the_first_task_says_so() -> None:
    seen = WaitProgress(5, Counter(), Counter(), Counter(), 0, 0, None)
    assert progress_line(Progress(0, 0, seen), EPOCH).endswith(
        "  0 of 5 ended: none read yet; 0.0 ended/s; 0 submitted"
    )


@pytest.mark.parametrize("width", [80, 200])
def test_a_month_is_a_column_for_each_way_to_submit(width: int) -> None:
    text = drawn(month_table(estimate(Load(tasks_per_month=5e6, payload_bytes=2048, error_rate=0.1), Prices())), width)
    assert text.startswith("5,000,000 tasks a month, payloads of 2 KB, 10 % of attempts fail, at most 2")
    assert "one by one  in tens  in hundreds" in text
    assert re.search(r"^Alarms \(10\) +1\.00 +1\.00 +1\.00", text, re.MULTILINE)
    assert re.search(r"^the month( +[\d.]+){3} *$", text, re.MULTILINE)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_an_idle_stage_is_one_column() -> None:
    text = drawn(month_table(estimate(Load(tasks_per_month=0, payload_bytes=2048), Prices(), dashboard=True)), 80)
    assert [line.split() for line in text.splitlines()[3:7]] == [
        ["Alarms", "(10)", "1.00"],
        ["Empty", "receives", "0.26"],
        ["Dashboard", "3.00"],
        ["the", "month", "4.26"],
    ]


@pytest.mark.parametrize(
    ("quantity", "unit", "says"),
    [
        (2, "GB", ("2", "GB")),
        (0.25, "GB", ("256.0", "MB")),
        (0.00001, "GB", ("10.5", "KB")),
        (1234.5, "units", ("1,234", "units")),
        (1.23456, "GB-seconds", ("1.235", "GB-seconds")),
    ],
)
def test_a_quantity_has_a_unit_that_suits_it(quantity: float, unit: str, says: tuple[str, str]) -> None:
    assert quantity_text(Item(name="x", quantity=quantity, unit=unit, usd=0)) == says


def test_an_amount_that_is_not_zero_does_not_show_as_zero() -> None:
    assert [usd(amount) for amount in (0, 0.0001, 0.005, 1234.5)] == ["0.00", "< 0.01", "0.01", "1,234.50"]
