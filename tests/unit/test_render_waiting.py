from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from ftask.core.model import Status
from ftask.render.progress import ended_summary, waiting_board, waiting_line
from ftask.submission.watch import WaitProgress
from tests.support.clock import EPOCH
from tests.support.drawing import drawn

PROGRESS = WaitProgress(
    total=10_000,
    states=Counter({Status.PENDING: 6000, Status.RETRYING: 30, Status.COMPLETED: 2950, Status.FAILED: 20}),
    errors=Counter({"ValueError: no order <n>": 20}),
    retrying=Counter({"ValueError: no order <n>": 10, "TimedOut: 30 s " + "x" * 150: 20}),
    seconds=35.0,
    per_second=84.3,
    seconds_left=84.0,
)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_board_shows_how_far_tasks_have_come_by_state_and_by_error(width: int) -> None:
    lines = drawn(waiting_board(PROGRESS), width).splitlines()
    assert all(len(line) <= width for line in lines)
    text = " ".join(" ".join(lines).split())
    assert "2,970 of 10,000 ended" in text
    assert "6,000 PENDING 30 RETRYING 2,950 COMPLETED 20 FAILED" in text
    assert "84.3 ended/s, about 1 m 24 s left, 35 s so far, 1,000 not read yet" in text
    assert "failed retrying error 20 10 ValueError: no order <n> 0 20 TimedOut: 30 s" in text
    if width < 200:
        assert lines[-1].rstrip().endswith("…")


def test_the_board_is_no_higher_however_many_kinds_of_error_there_are() -> None:
    many = replace(PROGRESS, errors=Counter({f"E: {number:x}": 100 - number for number in range(40)}))
    lines = drawn(waiting_board(replace(many, retrying=Counter())), 80).splitlines()
    assert len(lines) == 14
    assert lines[-1].split(maxsplit=1)[1].strip() == "of other kinds"


def test_once_all_have_ended_no_time_is_left_to_tell() -> None:
    ended = replace(PROGRESS, total=3, states=Counter({Status.COMPLETED: 3}), seconds_left=0.0)
    assert waiting_line(ended, EPOCH).endswith("  3 of 3 ended: 3 COMPLETED")


def test_without_a_terminal_many_tasks_are_one_line() -> None:
    line = waiting_line(PROGRESS, EPOCH)
    assert line.endswith(
        "  2,970 of 10,000 ended: 6,000 PENDING, 30 RETRYING, 2,950 COMPLETED, 20 FAILED;"
        " 84.3 ended/s, about 1 m 24 s left"
    )
    assert "\n" not in line


def test_the_summary_names_the_first_failed_tasks_and_counts_the_others() -> None:
    lines = drawn(ended_summary(PROGRESS, ["a" * 32, "b" * 32])).splitlines()
    assert lines[0].endswith("2,950 COMPLETED   20 FAILED   35 s")
    assert lines[-1] == f"Failed: {'a' * 32} {'b' * 32} and 18 more"


def test_the_summary_of_completed_tasks_is_one_line() -> None:
    done = replace(PROGRESS, states=Counter({Status.COMPLETED: 10_000}), errors=Counter(), retrying=Counter())
    assert drawn(ended_summary(done, [])) == "10,000 COMPLETED   35 s\n"
