"""A cron expression of EventBridge Scheduler: six fields, checked, with the position of an error.

Neither CloudFormation nor the local engine checks one before a deployment uses it. The rules:
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto

from ftask.core.errors import FtaskError

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
# AWS counts them from 1.
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_EXAMPLE = "Write minutes, hours, day of month, month, day of week and year, like '0 6 * * ? *' for 06:00 every day."
_SATURDAY = 7

# Numbers in ascending order, each once.
Values = tuple[int, ...]


class ExpressionError(FtaskError):
    """An expression of a schedule is not valid."""


class Day(Enum):
    """Which days of a month count; what `Cron.numbers` then holds."""

    EVERY = auto()  # nothing
    OF_MONTH = auto()  # days of the month
    LAST = auto()  # nothing: the last day of the month
    LAST_WEEKDAY = auto()  # nothing: the last Monday to Friday of the month
    NEAREST_WEEKDAY = auto()  # a day of the month: the Monday to Friday nearest to it in that month
    OF_WEEK = auto()  # days of the week
    NTH_OF_WEEK = auto()  # a day of the week, and which one of the month
    LAST_OF_WEEK = auto()  # a day of the week: the last one of the month


@dataclass(frozen=True, slots=True)
class Cron:
    """A checked cron expression; `text` is what AWS gets."""

    text: str
    minutes: Values
    hours: Values
    day: Day
    numbers: Values
    months: Values
    years: Values

    def dates(self, first: date) -> Iterator[date]:
        """Yield the dates on which it fires, from `first` on, in order."""
        for year in self.years:
            for month in self.months:
                if (year, month) >= (first.year, first.month):
                    yield from (day for day in self._days(year, month) if day >= first)

    def _days(self, year: int, month: int) -> list[date]:
        days = [date(year, month, number) for number in range(1, monthrange(year, month)[1] + 1)]
        match self.day:
            case Day.EVERY:
                return days
            case Day.OF_MONTH:
                return [days[number - 1] for number in self.numbers if number <= len(days)]
            case Day.LAST:
                return days[-1:]
            case Day.LAST_WEEKDAY:
                return [day for day in days if day.isoweekday() <= 5][-1:]
            case Day.NEAREST_WEEKDAY:
                return [_nearest_weekday(days, self.numbers[0])] if self.numbers[0] <= len(days) else []
            case Day.OF_WEEK:
                return [day for day in days if _weekday(day) in self.numbers]
            case Day.NTH_OF_WEEK:
                weekday, which = self.numbers
                return [day for day in days if _weekday(day) == weekday][which - 1 : which]
            case Day.LAST_OF_WEEK:
                return [day for day in days if _weekday(day) == self.numbers[0]][-1:]


def parse_cron(text: str) -> Cron:
    """Return the expression that the six fields in `text` are.

    Raises:
        ExpressionError: AWS would refuse it, or it never fires.
    """
    parts = [(match.group().upper(), match.start() + 1) for match in re.finditer(r"\S+", text)]
    if len(parts) != 6:
        count = f"{len(parts)} field{'' if len(parts) == 1 else 's'}"
        raise ExpressionError(f"Invalid cron {text!r}: it has {count}, and six are needed.", _EXAMPLE)
    minutes, hours, of_month, month, of_week, year = (_Part(text, *part) for part in parts)
    if (of_month.text == "?") == (of_week.text == "?"):
        raise of_week.error("exactly one of day of month and day of week must be ?")
    day, numbers = _day_of_month(of_month) if of_week.text == "?" else _day_of_week(of_week)
    cron = Cron(
        text=" ".join(part for part, _ in parts),
        minutes=minutes.values("minutes", 0, 59),
        hours=hours.values("hours", 0, 23),
        day=day,
        numbers=numbers,
        months=month.values("month", 1, 12, MONTHS),
        years=year.values("year", 1970, 2199),
    )
    if next(cron.dates(date.min), None) is None:
        raise of_month.error("no year has such a day, so it would never fire")
    return cron


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the expression `whole`, in capitals, and the character at which it begins, from 1."""

    whole: str
    text: str
    position: int

    def error(self, problem: str) -> ExpressionError:
        return ExpressionError(
            f"Invalid cron {self.whole!r}: {self.text!r} at character {self.position}: {problem}.", _EXAMPLE
        )

    def split(self, separator: str) -> list[_Part]:
        parts, position = [], self.position
        for text in self.text.split(separator):
            parts.append(_Part(self.whole, text, position))
            position += len(text) + len(separator)
        return parts

    def without(self, ending: str) -> _Part:
        return _Part(self.whole, self.text.removesuffix(ending), self.position)

    def values(self, field: str, low: int, high: int, names: tuple[str, ...] = ()) -> Values:
        """Return the numbers of a list of values, ranges and steps. A range may pass the end: hours 22-2."""
        numbers: set[int] = set()
        for item in self.split(","):
            span, *steps = item.split("/")
            if len(steps) > 1:
                raise item.error("write one / in each item")
            step = steps[0].number(f"a step of {field}", 1, high - low) if steps else 1
            if span.text == "*":
                if self.text != item.text and not steps:
                    raise item.error("* stands alone, without a list")
                first, last = low, high
            else:
                ends = [end.number(field, low, high, names) for end in span.split("-")]
                if len(ends) > 2:
                    raise span.error("write a range as first-last")
                first, last = ends[0], ends[-1] if len(ends) == 2 or not steps else high
            if first > last:
                if field == "year":
                    raise span.error("the first year is after the last")
                last += high - low + 1
            numbers.update((number - low) % (high - low + 1) + low for number in range(first, last + 1, step))
        return tuple(sorted(numbers))

    def number(self, field: str, low: int, high: int, names: tuple[str, ...] = ()) -> int:
        if self.text in names:
            return names.index(self.text) + low
        # A number of more digits than any field has would only take long to read.
        if not (self.text.isascii() and self.text.isdecimal() and len(self.text) <= 4):
            named = f", or {names[0]} to {names[-1]}" if names else ""
            raise self.error(f"expected {field} from {low} to {high}{named}")
        if not low <= int(self.text) <= high:
            raise self.error(f"{field} must be from {low} to {high}")
        return int(self.text)


def _day_of_month(part: _Part) -> tuple[Day, Values]:
    if part.text == "*":
        return Day.EVERY, ()
    if part.text in ("L", "LW"):
        return (Day.LAST if part.text == "L" else Day.LAST_WEEKDAY), ()
    if part.text.endswith("W"):
        return Day.NEAREST_WEEKDAY, (part.without("W").number("day of month", 1, 31),)
    return Day.OF_MONTH, part.values("day of month", 1, 31)


def _day_of_week(part: _Part) -> tuple[Day, Values]:
    if part.text == "*":
        return Day.EVERY, ()
    if part.text == "L":
        return Day.OF_WEEK, (_SATURDAY,)
    if part.text.endswith("L"):
        return Day.LAST_OF_WEEK, (part.without("L").number("day of week", 1, 7, WEEKDAYS),)
    if "#" in part.text:
        weekday, *which = part.split("#")
        if len(which) != 1 or "," in part.text:
            raise part.error("write one day#number alone, like 2#1 for the first Monday")
        return Day.NTH_OF_WEEK, (
            weekday.number("day of week", 1, 7, WEEKDAYS),
            which[0].number("its number in the month", 1, 5),
        )
    if "/" in part.text:
        raise part.error("day of week has no steps")
    return Day.OF_WEEK, part.values("day of week", 1, 7, WEEKDAYS)


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _nearest_weekday(days: list[date], number: int) -> date:
    """Return the Monday to Friday nearest to a day, in the same month."""
    day = days[number - 1]
    if day.isoweekday() == 6:
        return day - timedelta(days=1) if number > 1 else day + timedelta(days=2)
    if day.isoweekday() == 7:
        return day + timedelta(days=1) if number < len(days) else day - timedelta(days=2)
    return day
