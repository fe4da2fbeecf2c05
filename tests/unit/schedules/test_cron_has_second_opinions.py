"""Random expressions, against two other implementations of AWS's rules, where these are right.

Where they are not (aws-croniter 2.1.1, aws-cron-expression-validator 1.1.15):
- both accept a day that no month has, like 31 February, and `*` in a list;
- aws-croniter never fires for `L` as day of week, which is Saturday;
- it refuses `LW`, steps of years, and a day of month as a range that passes the end, like 28-3;
- it gives up a search after some years: it misses the fifth Monday of a February;
- neither knows time zones, and neither says where an expression is wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ftask.schedules.cron import MONTHS, WEEKDAYS, ExpressionError
from ftask.schedules.timetable import Timetable

validator = pytest.importorskip("aws_cron_expression_validator.validator").AWSCronExpressionValidator
AwsCroniter = pytest.importorskip("aws_croniter").AwsCroniter


def values(low: int, high: int, names: tuple[str, ...] = (), *, steps: bool = True) -> st.SearchStrategy[str]:
    value = st.integers(low, high).map(str) | (st.sampled_from(names) if names else st.nothing())
    ranges = st.builds("{}-{}".format, value, value)
    items = value | ranges
    if steps:
        items |= st.builds("{}/{}".format, value | ranges | st.just("*"), st.integers(1, high - low))
    return st.just("*") | st.lists(items, min_size=1, max_size=3).map(",".join)


DAYS = st.tuples(
    values(1, 31) | st.sampled_from(["L", "LW"]) | st.integers(1, 31).map("{}W".format), values(1, 12, MONTHS)
).map(lambda parts: f"{parts[0]} {parts[1]} ?")
WEEKS = st.tuples(
    values(1, 12, MONTHS),
    values(1, 7, WEEKDAYS, steps=False)
    | st.builds("{}#{}".format, st.integers(1, 7), st.integers(1, 5))
    | st.integers(1, 7).map("{}L".format)
    | st.just("L"),
).map(lambda parts: f"? {parts[0]} {parts[1]}")
EXPRESSIONS = st.builds("{} {} {} *".format, values(0, 59), values(0, 23), DAYS | WEEKS)


@given(EXPRESSIONS)
def test_both_accept_what_ftask_accepts_and_the_firings_are_the_same(cron: str) -> None:
    try:
        timetable = Timetable(cron=cron)
    except ExpressionError as error:
        # All of these are well formed; some of them never fire.
        assert "never fire" in error.message  # noqa: PT017
        return
    assert validator.validate(cron) == cron
    try:
        other = AwsCroniter(cron)
    except ValueError:
        return
    assume(cron.split()[4] != "L" and "#5" not in cron)
    start = datetime(2026, 3, 5, 7, 31, tzinfo=UTC)
    theirs = [moment for moment in other.get_next(start, 4) if moment is not None]
    assert list(islice(timetable.firings(start), len(theirs))) == theirs


@given(st.text("0123456789*?/,-#LWMONJA ", max_size=24))
def test_what_the_validator_refuses_is_refused(cron: str) -> None:
    try:
        validator.validate(" ".join(cron.split()))
    except ValueError:
        with pytest.raises(ExpressionError):
            Timetable(cron=cron)
