from __future__ import annotations

from itertools import islice

from ftask.aws.polling import rounds


class Time:
    """Seconds that pass only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds

    def clock(self) -> float:
        return self.seconds


def test_the_first_round_is_at_once_and_a_pause_lies_between_any_two() -> None:
    time = Time()
    assert len(list(islice(rounds(2.0, sleep=time.sleep, clock=time.clock), 3))) == 3
    assert time.pauses == [2.0, 2.0]


def test_the_last_pause_ends_at_the_timeout_and_one_round_follows_it() -> None:
    time = Time()
    assert len(list(rounds(2.0, 5.0, sleep=time.sleep, clock=time.clock))) == 4
    assert time.pauses == [2.0, 2.0, 1.0]


def test_each_pause_may_be_another() -> None:
    time = Time()
    pauses = iter([0.1, 0.2, 0.4])
    assert len(list(islice(rounds(lambda: next(pauses), sleep=time.sleep, clock=time.clock), 4))) == 4
    assert time.pauses == [0.1, 0.2, 0.4]
