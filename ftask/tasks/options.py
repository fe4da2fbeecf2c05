"""The options of `@task(...)`, checked. The caller puts the task's name and place before each error."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from math import isfinite
from typing import Any

from ftask.core.errors import error_text
from ftask.core.manifest import EXPERIMENT, QUEUE, SKIP, TYPE_NAME, Options, TypeSchedule
from ftask.core.ranges import RANGES
from ftask.core.retry import MAX_BACKOFF_SECONDS
from ftask.tasks.errors import DeclarationError

_MAX_ATTEMPTS = RANGES["MaxAttempts"][1]
_MAX_TIMEOUT_SECONDS = RANGES["WorkerTimeout"][1]
_OF_SCHEDULES = ("cron", "timezone", "every", "overlap", "catch_up")
NAMES = ("name", "max_attempts", "backoff", "jitter", "timeout", "isolated", "default", *_OF_SCHEDULES)


def check_names(given: Mapping[str, Any]) -> None:
    """Refuse an option that `@task` does not have."""
    for name in given:
        if name not in NAMES:
            similar = get_close_matches(name, NAMES, 1)
            raise DeclarationError(
                f"Unknown option {name!r} for @task"
                + (f"; did you mean {similar[0]!r}?" if similar else ".")
                + f" Options: {', '.join(NAMES)}."
            )


def check_name(name: object) -> str:
    """Return the name of a task type, if it may be one."""
    if not isinstance(name, str) or not TYPE_NAME.fullmatch(name):
        raise DeclarationError(
            f"invalid task name {name!r}: start with a letter or '_', go on with letters, digits, '_', '.' and '-', "
            "and use at most 64 characters."
        )
    if name == EXPERIMENT.name:
        raise DeclarationError(
            f"the task name {name!r} is reserved for the built-in experiment. Rename the function, or write "
            '@task(name="another_name").'
        )
    return name


def parse_options(given: Mapping[str, Any]) -> Options:
    """Return the options in `given`, which has no unknown names; None stands for the default."""
    return Options(
        max_attempts=_max_attempts(given.get("max_attempts")),
        backoff=_backoff(given.get("backoff")),
        jitter=None if given.get("jitter") is None else flag(given, "jitter"),
        timeout_seconds=_timeout(given.get("timeout")),
        isolated=flag(given, "isolated"),
        schedule=_schedule(given),
    )


def flag(given: Mapping[str, Any], name: str) -> bool:
    """Return the option `name`, which is True or False, and False where it is not given."""
    value = given.get(name, False)
    if not isinstance(value, bool):
        raise DeclarationError(f"invalid {name}={value!r}: write True or False.")
    return value


def _schedule(given: Mapping[str, Any]) -> TypeSchedule | None:
    cron, every = given.get("cron"), given.get("every")
    if cron is None and every is None:
        if unused := next((name for name in _OF_SCHEDULES if given.get(name) not in (None, False)), None):
            raise DeclarationError(f'{unused} has no effect without cron or every. Write cron="0 6 * * ? *".')
        return None
    # Zones and calendars take a worker 12 ms to import; most have no schedules.
    from ftask.schedules.cron import ExpressionError
    from ftask.schedules.timetable import Timetable

    timezone, overlap = given.get("timezone"), given.get("overlap", SKIP)
    for name, value in (("cron", cron), ("every", every), ("timezone", timezone)):
        if value is not None and not isinstance(value, str):
            raise DeclarationError(f"invalid {name}={value!r}: write a text.")
    if overlap not in (SKIP, QUEUE):
        raise DeclarationError(f'invalid overlap={overlap!r}: write "{SKIP}" or "{QUEUE}".')
    try:
        timetable = Timetable(cron, "UTC" if timezone is None else timezone, every)
    except ExpressionError as error:
        raise DeclarationError(error_text(error)) from None
    return TypeSchedule(cron, timetable.timezone, every, overlap, flag(given, "catch_up"))


def _max_attempts(value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MAX_ATTEMPTS:
        raise DeclarationError(f"invalid max_attempts={value!r}: write a whole number from 1 to {_MAX_ATTEMPTS:g}.")
    return value


def _backoff(value: Any) -> tuple[float, float] | None:
    if value is None:
        return None
    error = f"invalid backoff={value!r}: "
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not all(map(_is_number, value)):
        raise DeclarationError(f"{error}write (base_seconds, cap_seconds), like backoff=(2, 300).")
    base, cap = value
    if not 0 <= base <= MAX_BACKOFF_SECONDS or not 0 <= cap <= MAX_BACKOFF_SECONDS:
        raise DeclarationError(f"{error}both must be from 0 to {MAX_BACKOFF_SECONDS:g} seconds.")
    if base > cap:
        raise DeclarationError(f"{error}the base is greater than the cap. Write backoff=({cap}, {base}).")
    return base, cap


def _timeout(value: Any) -> float | None:
    if value is None:
        return None
    if not _is_number(value) or not 0 < value <= _MAX_TIMEOUT_SECONDS:
        raise DeclarationError(
            f"invalid timeout={value!r}: write seconds, more than 0 and at most {_MAX_TIMEOUT_SECONDS:g}."
        )
    seconds: float = value
    return seconds


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
