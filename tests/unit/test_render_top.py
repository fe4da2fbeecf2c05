from __future__ import annotations

import pytest

from ftask.render.info import line
from ftask.render.texts import sparkline
from tests.support.snapshots import a_snapshot


@pytest.mark.parametrize(
    ("values", "expected"), [([], ""), ([0, 0], "▁▁"), ([0, 1, 2], "▁▅█"), (list(range(100)), "███████")]
)
def test_a_sparkline_is_as_high_as_its_highest(values: list[float], expected: str) -> None:
    assert sparkline(values, 7) == expected


def test_a_line_for_a_log() -> None:
    snapshot = a_snapshot(waiting=1234, in_flight=5, dead_letters=7, completed_rate=2.5, failed=7)
    assert "2.5 completed/s  1,234 waiting  5 in flight  7 dead letters  7 FAILED" in line(snapshot)
