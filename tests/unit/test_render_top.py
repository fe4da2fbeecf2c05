from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from ftask.ops.top import EndedAttempts, FailedAttempt, StageSnapshot
from ftask.render.sparkline import sparkline
from ftask.render.times import clock_time
from ftask.render.top import Sort, board, line
from tests.support.clock import EPOCH
from tests.support.snapshots import a_snapshot

FAILURES = tuple(FailedAttempt(EPOCH, f"{number:032x}", 2, f"Error{number % 2}", final=True) for number in range(40))
SNAPSHOT = a_snapshot(
    consuming="Disabled",
    waiting=1234,
    in_flight=5,
    dead_letters=7,
    completed_rate=2.5,
    failed_attempts_rate=0.5,
    worker_errors=3,
    failed=7,
    failed_at=EPOCH - timedelta(seconds=12),
    ended=EndedAttempts(EPOCH, completed=10, retried=4, failed=2),
    failures=FAILURES,
)


def drawn(width: int, height: int, sort: Sort = Sort.NEWEST, snapshot: StageSnapshot = SNAPSHOT) -> list[str]:
    console = Console(file=StringIO(), width=width, height=height, color_system=None)
    console.print(board([snapshot] * 300, "prod", width=width, height=height, sort=sort, frozen=False))
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    return list(text.splitlines())


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 60)])
def test_the_board_fits_its_terminal_and_shows_what_matters(width: int, height: int) -> None:
    lines = drawn(width, height)
    assert len(lines) <= height
    assert all(len(row.rstrip()) <= width for row in lines)
    text = "\n".join(lines)
    for part in (
        "stage prod",
        "paused",
        "1,234",
        f"7 FAILED, 12 s ago   attempts since {clock_time(EPOCH)}",
        "10 completed  4 retried  2 failed",
        "worker errors 3",
        f"{0:032x}",
        "q quit",
    ):
        assert part in text


def test_failures_show_their_type_where_one_is_not_the_experiment() -> None:
    assert "experiment" not in "\n".join(drawn(120, 24))
    snapshot = replace(SNAPSHOT, failures=(*FAILURES, replace(FAILURES[0], type="send")))
    assert f"{0:032x}  experiment  2 (final)" in "\n".join(drawn(120, 24, snapshot=snapshot))
    assert ["1", "send", "Error0"] in [row.split() for row in drawn(120, 24, Sort.ERROR, snapshot)]


def test_failures_can_be_counted_by_error() -> None:
    text = "\n".join(drawn(80, 24, Sort.ERROR))
    assert "20  Error0" in text
    assert f"{0:032x}" not in text


@pytest.mark.parametrize(
    ("values", "expected"), [([], ""), ([0, 0], "▁▁"), ([0, 1, 2], "▁▅█"), (list(range(100)), "███████")]
)
def test_a_sparkline_is_as_high_as_its_highest(values: list[float], expected: str) -> None:
    assert sparkline(values, 7) == expected


def test_a_line_for_a_log() -> None:
    assert "2.5 completed/s  1,234 waiting  5 in flight  7 dead letters  7 FAILED" in line(SNAPSHOT)


def test_what_does_not_fit_is_counted() -> None:
    assert drawn(80, 24)[-1] == "q quit   p freeze   s sort   (29 more not shown)"
    assert drawn(80, 24, Sort.ERROR)[-1] == "q quit   p freeze   s sort"


def test_the_keys_stay_on_a_narrow_terminal_with_large_numbers() -> None:
    snapshot = replace(SNAPSHOT, failed=1_234_567, ended=EndedAttempts(EPOCH, 2_345_678, 3_456_789, 4_567_890))
    lines = drawn(60, 20, snapshot=snapshot)
    assert len(lines) == 20
    assert lines[-1].startswith("q quit")
    text = " ".join(lines)
    assert all(number in text for number in ("1,234,567", "2,345,678", "3,456,789", "4,567,890"))
