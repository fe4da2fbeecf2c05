from __future__ import annotations

from random import Random

import pytest

from ftask.core.execution import AttemptJob
from ftask.core.ports import Handler
from ftask.core.workload import SimulatedError, simulated


def job(message: object) -> AttemptJob:
    return AttemptJob("0" * 32, 0, 1, 2, {"message": message})


def fails(handler: Handler, message: object) -> bool:
    try:
        handler(job(message))
    except SimulatedError:
        return True
    return False


def test_success_succeeds_even_where_everything_else_fails() -> None:
    assert not any(fails(simulated(1.0, Random(1)), "SUCCESS") for _ in range(100))


def test_error_fails_even_where_nothing_else_does() -> None:
    assert all(fails(simulated(0.0, Random(1)), "ERROR") for _ in range(100))


@pytest.mark.parametrize("message", ["hello", "", None, 5, "success", {"deep": []}])
def test_anything_else_fails_at_the_configured_rate(message: object) -> None:
    handler = simulated(0.3, Random(1))
    failures = sum(fails(handler, message) for _ in range(10_000))
    # Five standard deviations around 3,000: a seeded run that leaves them shows another rate.
    assert 2770 < failures < 3230
