"""Settings simulated over virtual time, against their closed forms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ftask.bench.expectation import Expectation
from ftask.bench.simulation import simulate
from ftask.core.retry import RetryPolicy


@pytest.mark.parametrize("jitter", [False, True])
@pytest.mark.parametrize(("rate", "attempts"), [(0.0, 3), (0.3, 2), (0.5, 4), (1.0, 3)])
def test_the_simulation_agrees_with_the_closed_forms(rate: float, attempts: int, jitter: bool) -> None:
    # The seeds are fixed: an outcome this surprising would be a defect, and the same one each time.
    cell = simulate(Expectation(rate, attempts, RetryPolicy(jitter=jitter)), 2000, seed=1)
    assert cell.tasks == 2000
    assert min(cell.p_values()) > 0.001
    assert cell.mean_attempts == pytest.approx(cell.expectation.mean_attempts, rel=0.05)


def test_a_simulation_of_something_else_is_detected() -> None:
    cell = simulate(Expectation(0.35, 2, RetryPolicy()), 2000, seed=1)
    other = Expectation(0.3, 2, RetryPolicy(base_seconds=4))
    assert min(replace(cell + cell, expectation=other).p_values()) < 0.001


def test_the_same_seed_gives_the_same_simulation() -> None:
    expectation = Expectation(0.3, 3, RetryPolicy(jitter=True))
    assert simulate(expectation, 200, seed=5) == simulate(expectation, 200, seed=5)
    assert simulate(expectation, 200, seed=5) != simulate(expectation, 200, seed=6)
