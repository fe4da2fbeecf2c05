"""The report: one HTML page with its plots."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ftask.bench.report import render, render_comparison, tiles
from ftask.bench.result import UNANSWERED
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
    # States, latency, throughput.
    assert page.count('<svg class="plot"') == 3
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
    text = texts(page)
    assert "failed tasks 9 % 40 % +31.0 points &lt; 0.001 more than noise" in text
    assert f"a million tasks {a_bill().batched.usd_per_million:.3g} USD –" in text
    assert "<after>" not in page


def texts(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_page_has_the_figures_of_the_terminal() -> None:
    page = texts(render(result(cost=a_bill())))
    for row in (
        "failed attempts 30 % 30 %",
        "dead letters 90 90",
        "1 700 700.0 █",
        "1 300 2 s 2 s none 0.50 s 0.50 s 0.50 s",
        "390 90 E by chance",
        "accept to end, 2 attempts 3.200 s",
        "a million such tasks 0.04",
        "AWS; Linux x86_64, 2 CPUs",
    ):
        assert row in page


@pytest.mark.parametrize("seconds", [[0.03, 0.04], [12.0, 13.0], [0.0, 900.0]])
def test_the_axis_of_time_has_labels_however_short_it_is(seconds: list[float]) -> None:
    run = result()
    samples = run.samples.model_copy(update={"submit_seconds": seconds, "start_seconds": [], "end_attempts": []})
    page = render(run.model_copy(update={"samples": samples.model_copy(update={"end_seconds": []})}))
    (plot,) = re.findall(r'<svg(?:(?!</svg>).)*id="latency-.*?</svg>', page, re.DOTALL)
    labels = re.findall(r"<text[^>]*>([\d.]+)</text>", plot)
    assert 3 <= len(labels) <= 8, labels


def test_the_tiles_say_how_a_run_ended() -> None:
    healthy = {tile.name: tile for tile in tiles(result(cost=a_bill()))}
    assert list(healthy) == ["verdict", "tasks", "failed", "lost", "price"]
    assert (healthy["verdict"].value, healthy["verdict"].state) == ("Consistent", "fine")
    assert healthy["verdict"].detail == "with an error rate of 30 %, at the 1 % level"
    assert healthy["tasks"][1:3] == ("1,000", "910 completed")
    assert healthy["failed"][1:3] == ("90", "9 %, expected 9 %")
    assert healthy["price"][1:3] == ("0.04 USD", "a million such tasks on AWS, 10 per request")
    broken = {tile.name: tile for tile in tiles(result(observed(tasks(690, 210, 90), lost=10)))}
    assert (broken["verdict"].state, broken["lost"][1:]) == ("bad", ("10", "accepted, never ended", "bad"))
    cut_off = replace(observed(tasks(*USUAL), lost=5, stopped=UNANSWERED), lost=frozenset())
    incomplete = {tile.name: tile for tile in tiles(result(cut_off))}
    assert incomplete["verdict"].value == "Incomplete"
    assert incomplete["verdict"].detail.startswith("the stage stopped answering: no verdict")
    assert incomplete["tasks"].detail == "910 completed, 5 open"
    assert incomplete["price"].value == "–"


def test_what_a_user_wrote_is_text_in_the_report() -> None:
    run = result()
    settings = run.settings.model_copy(update={"message": "<script>alert(1)</script>"})
    assert "<script" not in render(run.model_copy(update={"settings": settings}))
