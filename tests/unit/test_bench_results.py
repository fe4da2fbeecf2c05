"""Results: written, read back, compared, drawn; and settings simulated."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ftask.bench.compare import compare
from ftask.bench.cost import Prices, Sizes, cost
from ftask.bench.expectation import Expectation
from ftask.bench.report import render
from ftask.bench.result import Cost, load, schema
from ftask.bench.simulation import merged, simulate
from ftask.bench.usage import FunctionUsage, RunUsage
from ftask.core.errors import FtaskError
from ftask.core.retry import RetryPolicy
from ftask.render.bench import summary as pictures
from tests.support.runs import observed, result, tasks


def a_bill() -> Cost:
    usage = FunctionUsage(invocations=4, billed_ms=400, records=8, records_ms=500, write_units=20, log_bytes=4000)
    found = cost(RunUsage(usage, usage, complete=True), 1000, Sizes(256, 256), Prices(), "AWS")
    assert found is not None
    return found


def drawn(picture: Any, width: int) -> str:
    text = io.StringIO()
    Console(width=width, file=text).print(picture)
    return text.getvalue()


def test_a_result_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    written = result(cost=a_bill())
    path.write_text(json.dumps(written.dump()))
    assert load(str(path)) == written


def test_the_json_has_what_others_rely_on() -> None:
    found = result(cost=a_bill()).dump()
    assert {"tasks", "completed", "failed", "lost", "verdict", "latency", "throughput", "cost"} <= found.keys()
    assert {"observed", "expected", "low", "high"} <= found["attemptErrorRate"].keys()
    assert {"observed", "expected", "pValue"} <= found["failedShare"].keys()
    assert found["schemaVersion"] == 1
    assert found.keys() == schema()["properties"].keys()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "is not a result of ftask bench"),
        ("not JSON", "is not a result of ftask bench"),
        ('{"schemaVersion": 2}', "schema version 2"),
        ('{"schemaVersion": 1}', "is not a complete result"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_result_is_told(text: str | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(FtaskError, match=says):
        load(str(path))


def test_two_runs_of_the_same_differ_by_noise_only() -> None:
    found = compare(result(observed(tasks(700, 210, 90))), result(observed(tasks(710, 200, 90))))
    assert not any(difference.more_than_noise for difference in found.differences)
    assert found.settings == ()


def test_a_real_difference_is_more_than_noise() -> None:
    found = compare(result(observed(tasks(700, 210, 90))), result(observed(tasks(400, 200, 400))))
    told = {difference.name for difference in found.differences if difference.more_than_noise}
    assert {"failed attempts", "failed tasks"} <= told


@pytest.mark.parametrize("width", [80, 200])
def test_the_summary_says_the_verdict_first_and_fits(width: int) -> None:
    text = drawn(pictures.summary(result(cost=a_bill())), width)
    assert text.startswith("consistent with an error rate of 30 %")
    assert "a million such tasks" in text
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_broken_invariants_come_before_any_statistics() -> None:
    text = drawn(pictures.summary(result(observed(tasks(690, 210, 90), lost=10))), 100)
    assert text.startswith("BROKEN: 10 tasks lost")


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (observed(tasks(700, 210, 90)), "Consistent"),
        (observed(tasks(500, 250, 250)), "Not consistent"),
        (observed(tasks(690, 210, 90), lost=10), "Broken"),
        (observed(tasks(1, 0, 0)), "Consistent"),
    ],
)
def test_the_report_is_one_file_that_asks_nothing_of_the_network(of: Any, says: str) -> None:
    page = render(result(of, cost=a_bill()))
    assert f"<strong>{says}</strong>" in page
    assert page.count('<svg class="plot"') == (6 if result(of).delays else 5)
    assert "http" not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "<script" not in page
    ids = [part.split('"')[0] for part in page.split('id="')[1:]]
    assert len(ids) == len(set(ids))


def test_what_a_user_wrote_is_text_in_the_report() -> None:
    found = result()
    settings = found.settings.model_copy(update={"message": "<script>alert(1)</script>"})
    assert "<script" not in render(found.model_copy(update={"settings": settings}))


@pytest.mark.parametrize("jitter", [False, True])
@pytest.mark.parametrize(("rate", "attempts"), [(0.0, 3), (0.3, 2), (0.5, 4), (1.0, 3)])
def test_the_simulation_agrees_with_the_closed_forms(rate: float, attempts: int, jitter: bool) -> None:
    # The seeds are fixed: an outcome this surprising would be a defect, and the same one each time.
    cell = simulate(Expectation(rate, attempts, RetryPolicy(jitter=jitter)), 2000, seed=1)
    assert cell.tasks == 2000
    assert min(cell.p_values()) > 0.001
    assert cell.mean_attempts == pytest.approx(cell.expectation.mean_attempts, rel=0.05)


def test_a_simulation_of_something_else_is_found_out() -> None:
    cell = simulate(Expectation(0.35, 2, RetryPolicy()), 2000, seed=1)
    claimed = merged([cell, cell])
    other = Expectation(0.3, 2, RetryPolicy(base_seconds=4))
    assert min(type(claimed)(other, *list(vars(claimed).values())[1:]).p_values()) < 0.001


def test_the_same_seed_gives_the_same_simulation() -> None:
    expectation = Expectation(0.3, 3, RetryPolicy(jitter=True))
    assert simulate(expectation, 200, seed=5) == simulate(expectation, 200, seed=5)
    assert simulate(expectation, 200, seed=5) != simulate(expectation, 200, seed=6)
