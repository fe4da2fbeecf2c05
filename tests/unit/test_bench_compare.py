"""Two runs, held against each other."""

from __future__ import annotations

from ftask.bench.compare import compare
from tests.support.runs import observed, result, tasks


def test_two_runs_of_the_same_differ_by_noise_only() -> None:
    comparison = compare(result(observed(tasks(700, 210, 90))), result(observed(tasks(710, 200, 90))))
    assert not any(difference.more_than_noise for difference in comparison.differences)
    assert comparison.settings == []


def test_a_real_difference_is_more_than_noise() -> None:
    comparison = compare(result(observed(tasks(700, 210, 90))), result(observed(tasks(400, 200, 400))))
    surprising = {difference.name for difference in comparison.differences if difference.more_than_noise}
    assert {"failed attempts", "failed tasks"} <= surprising
