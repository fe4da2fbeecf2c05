"""A schedule in words, as plans and lists show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ftask.schedules.cron import Cron, Day, Values
from ftask.schedules.timetable import Timetable

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_MAX_TIMES = 4
_ALL_YEARS = 2199 - 1970 + 1


def in_words(timetable: Timetable) -> str:
    """Return when it fires, like `at 06:00 every day (Europe/Kyiv)`."""
    if timetable.cron is None:
        interval = timetable.expression.removeprefix("rate(").removesuffix(")")
        return f"every {interval.removeprefix('1 ')}"
    cron = timetable.fields
    times, days = _times(cron), _days(cron)
    # "every minute" is every day's.
    when = (times, "" if times.startswith("every") and cron.day is Day.EVERY else days, _months(cron), _years(cron))
    return f"{' '.join(filter(None, when))} ({timetable.timezone})"


def _times(cron: Cron) -> str:
    if len(cron.hours) * len(cron.minutes) <= _MAX_TIMES:
        return "at " + _listed([f"{hour:02}:{minute:02}" for hour in cron.hours for minute in cron.minutes])
    step = cron.minutes[1] - cron.minutes[0] if len(cron.minutes) > 1 else 0
    if step and 60 % step == 0 and cron.minutes == tuple(range(0, 60, step)):
        minutes = "every minute" if step == 1 else f"every {step} minutes"
    elif cron.minutes == (0,):
        minutes = "every hour"
    else:
        minutes = f"at minute {_spans(cron.minutes, str)} of every hour"
    hours = _spans(cron.hours, lambda hour: f"{hour:02}")
    return minutes if len(cron.hours) == 24 else f"{minutes} in hour {hours}"


def _days(cron: Cron) -> str:
    numbers = cron.numbers
    match cron.day:
        case Day.EVERY:
            return "every day"
        case Day.OF_MONTH:
            return f"on day {_spans(numbers, str)} of the month"
        case Day.LAST:
            return "on the last day of the month"
        case Day.LAST_WEEKDAY:
            return "on the last weekday of the month"
        case Day.NEAREST_WEEKDAY:
            return f"on the weekday nearest to day {numbers[0]} of the month"
        case Day.OF_WEEK:
            return f"on {_spans(numbers, _weekday)}"
        case Day.NTH_OF_WEEK:
            return f"on the {_ORDINALS[numbers[1] - 1]} {_weekday(numbers[0])} of the month"
        case Day.LAST_OF_WEEK:
            return f"on the last {_weekday(numbers[0])} of the month"


def _months(cron: Cron) -> str:
    return "" if len(cron.months) == 12 else f"in {_spans(cron.months, lambda month: _MONTHS[month - 1])}"


def _years(cron: Cron) -> str:
    return "" if len(cron.years) == _ALL_YEARS else f"in {_spans(cron.years, str)}"


def _weekday(number: int) -> str:
    return _WEEKDAYS[number - 1]


def _spans(numbers: Values, name: Callable[[int], str]) -> str:
    """Return the numbers by name, three or more in a row as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts: list[str] = []
    for run in runs:
        texts += [f"{name(run[0])} to {name(run[-1])}"] if len(run) > 2 else map(name, run)
    return _listed(texts)


def _listed(texts: Sequence[str]) -> str:
    *earlier, last = texts
    return f"{', '.join(earlier)} and {last}" if earlier else last
