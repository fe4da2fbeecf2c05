from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from ftask.core.errors import PermanentError, UnknownTaskType
from ftask.core.ports import Handler, Job
from ftask.core.workload import SimulatedError, by_type, simulated
from tests.support.clock import EPOCH


def job(message: object) -> Job:
    return Job("0" * 32, "experiment", 0, 1, 2, {"message": message}, EPOCH)


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


class HungError(Exception):
    """Somebody waited longer than any function may run."""


def test_crash_ends_the_process() -> None:
    codes: list[int] = []
    simulated(0.0, Random(1), die=codes.append)(job("CRASH"))
    assert codes == [70]


def test_hang_outlasts_the_longest_timeout() -> None:
    waited = 0.0

    def pause(seconds: float) -> None:
        nonlocal waited
        waited += seconds
        if waited > 900:
            raise HungError

    with pytest.raises(HungError):
        simulated(0.0, Random(1), pause)(job("HANG"))


def test_slow_takes_its_time_and_succeeds_even_where_everything_else_fails() -> None:
    pauses: list[float] = []
    simulated(1.0, Random(1), pauses.append)(job("SLOW:2.5"))
    assert pauses == [2.5]


@pytest.mark.parametrize("seconds", ["", "soon", "-1", "nan", "inf", "901"])
def test_slow_without_usable_seconds_is_not_retried(seconds: str) -> None:
    with pytest.raises(PermanentError, match="0 to 900 seconds"):
        simulated(0.0, Random(1))(job(f"SLOW:{seconds}"))


def test_a_job_goes_to_the_work_of_its_type() -> None:
    handler = by_type(lambda job: ("experiment", job), lambda job: ("own", job))
    experiment = job("SUCCESS")
    own = replace(experiment, type="send")
    assert handler(experiment) == ("experiment", experiment)
    assert handler(own) == ("own", own)


def test_a_worker_without_own_tasks_simulates_no_other_type() -> None:
    """Its deployment may have removed the tasks, or not yet have brought them: the attempt fails and is retried."""
    handler = by_type(simulated(0.0, Random(1)), None)
    assert handler(job("SUCCESS")) == {"message": "done"}
    with pytest.raises(UnknownTaskType, match=r"^This worker has no task type 'send'\. Types: experiment\.$"):
        handler(replace(job("SUCCESS"), type="send"))
