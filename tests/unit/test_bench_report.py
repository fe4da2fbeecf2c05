"""The report: one HTML page with its plots."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ftask.bench.plots import latency
from ftask.bench.report import render, render_comparison
from ftask.bench.result import UNANSWERED
from ftask.bench.tiles import tiles
from tests.support.runs import USUAL, a_bill, observed, result, tasks

# Only one process imports matplotlib, which takes half a second.
pytestmark = pytest.mark.xdist_group("matplotlib")


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
    assert f"<b>{says}</b>" in page
    assert page.count('<svg class="plot"') == (7 if result(of).delays else 6)
    assert_stands_alone(page)


def assert_stands_alone(page: str) -> None:
    """The page asks nothing of the network and runs no script, and each id in it is one element's."""
    assert "http" not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "<script" not in page
    ids = [part.split('"')[0] for part in page.split('id="')[1:]]
    assert len(ids) == len(set(ids))


def test_two_runs_are_one_page_side_by_side() -> None:
    first, second = result(cost=a_bill()), result(observed(tasks(400, 200, 400)))
    page = render_comparison(first, second, ("before", "<after>"))
    assert_stands_alone(page)
    # States of each; latency and throughput of both.
    assert page.count('<svg class="plot"') == 4
    assert ("<b>Consistent</b>" in page, "<b>Not consistent</b>" in page) == (True, True)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "failed tasks 9 % 40 % +31.0 points more than noise, p &lt; 0.001" in text
    assert f"a million tasks {a_bill().batched.usd_per_million:.3g} USD – –" in text
    assert "<after>" not in page


@pytest.mark.parametrize("seconds", [[0.03, 0.04], [12.0, 13.0], [0.0, 900.0]])
def test_the_axis_of_time_has_labels_however_short_it_is(seconds: list[float]) -> None:
    run = result()
    samples = run.samples.model_copy(update={"submit_seconds": seconds, "start_seconds": [], "end_attempts": []})
    plot = latency(run.model_copy(update={"samples": samples}))
    labels = re.findall(r"<text[^>]*>([\d.]+)</text>", plot)
    assert 3 <= len(labels) <= 8, labels


def test_the_tiles_say_how_a_run_ended() -> None:
    healthy = {tile.name: tile for tile in tiles(result(cost=a_bill()))}
    assert list(healthy) == ["verdict", "tasks", "failed", "lost", "price"]
    assert (healthy["verdict"].value, healthy["verdict"].state) == ("Consistent", "fine")
    assert healthy["verdict"].detail.startswith("1,000 tasks: none lost, none over the attempt limit,")
    assert healthy["tasks"][1:3] == ("1,000", "910 completed")
    assert healthy["failed"][1:3] == ("90", "9 %, expected 9 %")
    assert healthy["price"][1:3] == ("0.04 USD", "a million such tasks on AWS, 10 per request")
    broken = {tile.name: tile for tile in tiles(result(observed(tasks(690, 210, 90), lost=10)))}
    assert (broken["verdict"].state, broken["lost"][1:]) == ("broken", ("10", "accepted, never ended", "broken"))
    cut_off = replace(observed(tasks(*USUAL), lost=5, stopped=UNANSWERED), lost=frozenset())
    incomplete = {tile.name: tile for tile in tiles(result(cut_off))}
    assert incomplete["verdict"][1:3] == ("Incomplete", "The run ended early: the stage stopped answering.")
    assert incomplete["tasks"].detail == "910 completed, 5 open"
    assert incomplete["price"].value == "–"


def test_what_a_user_wrote_is_text_in_the_report() -> None:
    run = result()
    settings = run.settings.model_copy(update={"message": "<script>alert(1)</script>"})
    assert "<script" not in render(run.model_copy(update={"settings": settings}))
