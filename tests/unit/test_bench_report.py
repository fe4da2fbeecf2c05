"""The report: one HTML page with its plots."""

from __future__ import annotations

from typing import Any

import pytest

from ftask.bench.report import render
from tests.support.runs import a_bill, observed, result, tasks

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
    assert f"<strong>{says}</strong>" in page
    assert page.count('<svg class="plot"') == (6 if result(of).delays else 5)
    assert "http" not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "<script" not in page
    ids = [part.split('"')[0] for part in page.split('id="')[1:]]
    assert len(ids) == len(set(ids))


def test_what_a_user_wrote_is_text_in_the_report() -> None:
    run = result()
    settings = run.settings.model_copy(update={"message": "<script>alert(1)</script>"})
    assert "<script" not in render(run.model_copy(update={"settings": settings}))
