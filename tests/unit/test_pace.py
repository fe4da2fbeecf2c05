from __future__ import annotations

from ftask.submission.watch import RECENT_SECONDS, Pace


def test_the_speed_is_that_of_the_recent_past() -> None:
    pace = Pace(100.0)
    pace.add(110.0, 1000)
    assert pace.per_second == 100
    for second in range(10):
        pace.add(111.0 + RECENT_SECONDS + second, 2)
    assert pace.per_second == 2


def test_the_rest_takes_as_long_as_the_speed_says_once_enough_have_ended() -> None:
    pace = Pace(0.0)
    pace.add(1.0, 10)
    assert pace.seconds_left(50) is None
    pace.add(2.0, 10)
    assert pace.seconds_left(50) == 5.0


def test_a_moment_says_nothing_about_the_speed() -> None:
    pace = Pace(0.0)
    pace.add(0.2, 30)
    assert (pace.per_second, pace.seconds_left(50)) == (0.0, None)


def test_nothing_has_ended_at_first() -> None:
    pace = Pace(5.0)
    assert pace.per_second == 0
    pace.add(6.0, 0)
    assert pace.per_second == 0
    assert pace.seconds_left(50) is None
