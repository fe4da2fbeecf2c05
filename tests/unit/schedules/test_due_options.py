"""`--at` is a time within the next 366 days, and says so of any other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ftask.cli.due_options import parse_at
from ftask.cli.usage import UsageError
from ftask.core.timestamps import now, to_iso


@pytest.mark.parametrize(("days", "problem"), [(-1, "it is past"), (367, "it is more than 366 days ahead")])
def test_a_time_out_of_range_is_refused_with_advice_that_fits_both(days: int, problem: str) -> None:
    with pytest.raises(UsageError, match=problem) as refused:
        parse_at(to_iso(now() + timedelta(days=days)), None)
    assert refused.value.hint == "Give a time within the next 366 days."
