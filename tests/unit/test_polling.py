from __future__ import annotations

from itertools import islice

from ftask.aws.polling import rounds
from tests.support.clock import VirtualTime


def test_the_first_round_is_at_once_and_a_pause_lies_between_any_two() -> None:
    time = VirtualTime()
    assert len(list(islice(rounds(2.0, sleep=time.sleep, clock=time.clock), 3))) == 3
    assert time.pauses == [2.0, 2.0]


def test_the_last_pause_ends_at_the_timeout_and_one_round_follows_it() -> None:
    time = VirtualTime()
    assert len(list(rounds(2.0, 5.0, sleep=time.sleep, clock=time.clock))) == 4
    assert time.pauses == [2.0, 2.0, 1.0]


def test_each_pause_may_be_another() -> None:
    time = VirtualTime()
    pauses = iter([0.1, 0.2, 0.4])
    assert len(list(islice(rounds(lambda: next(pauses), sleep=time.sleep, clock=time.clock), 4))) == 4
    assert time.pauses == [0.1, 0.2, 0.4]
