"""A command that was called wrongly, exit code 2; and the values of options that Typer cannot check."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches

from ftask.core.errors import InvalidInputError
from ftask.core.timestamps import now

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class UsageError(InvalidInputError):
    """The options or arguments contradict each other, or are invalid."""


class InvalidOptionError(UsageError):
    """The value of an option is invalid."""

    def __init__(self, option: str, value: str, expected: str) -> None:
        super().__init__(f"Invalid {option} {value!r}: expected {expected}.")


def parse_choice(option: str, value: str, choices: Sequence[str]) -> str:
    """Return the choice that `value` is, in upper or lower case."""
    for choice in choices:
        if value.casefold() == choice.casefold():
            return choice
    raise InvalidOptionError(option, value, f"{', '.join(choices[:-1])} or {choices[-1]}")


def parse_choices(option: str, value: str, choices: Sequence[str]) -> list[str]:
    """Return the choices that `value` names, separated by commas, each once."""
    names = [name.strip().casefold() for name in value.split(",") if name.strip()]
    if not names:
        raise InvalidOptionError(option, value, f"some of {', '.join(choices)}")
    for name in names:
        if name not in choices:
            similar = get_close_matches(name, choices, n=1)
            guess = f"; did you mean {similar[0]}?" if similar else "."
            raise UsageError(f"Unknown name {name!r} in {option}{guess}", f"There are: {', '.join(choices)}")
    return list(dict.fromkeys(names))


def parse_when(text: str | None, option: str) -> datetime | None:
    """Return the time that `text` names; None without a text.

    `2h` is two hours before now. `2026-03-01T12:00` is in this machine's time zone unless it names one.
    """
    if text is None:
        return None
    duration = _DURATION.fullmatch(text.strip())
    try:
        if duration:
            return now() - timedelta(**{_UNITS[duration[2]]: float(duration[1])})
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise InvalidOptionError(option, text, "a duration like 30m or a time like 2026-11-24T09:00Z") from None
