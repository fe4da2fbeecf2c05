"""The stack's parameters: what may be set, what follows from what, what contradicts what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ftask.aws.stack import OWN_PARAMETERS
from ftask.aws.target import Target
from ftask.core.errors import FtaskError

# AWS's advice for a queue that feeds a function.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_PER_TIMEOUT = 6
MAX_VISIBILITY_SECONDS = 43_200


@dataclass(frozen=True, slots=True)
class Declared:
    """A parameter of the template."""

    name: str
    default: str | None


def parse_overrides(pairs: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` pairs as the command line takes them.

    Raises:
        FtaskError: a pair has no `=` or a name is given twice.
    """
    overrides: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise FtaskError(f"{pair!r} is not NAME=VALUE.", "For example: --param ErrorRate=0.1")
        if name in overrides:
            raise FtaskError(f"The parameter {name} is given twice.")
        overrides[name] = value
    return overrides


def for_emulator(target: Target) -> dict[str, str]:
    """The parameters that have another default where CloudFormation is emulated: it does not know every type."""
    return {"SavedQueries": "false"} if target.is_emulated else {}


def resolve(declared: Iterable[Declared], current: Mapping[str, str], overrides: Mapping[str, str]) -> dict[str, str]:
    """The value of every parameter: overridden, else as deployed, else the template's default.

    A new worker timeout takes the visibility timeout along, unless that is given too.

    Raises:
        FtaskError: an override names no parameter, or the values contradict each other.
    """
    known = {parameter.name: parameter for parameter in declared if parameter.name not in OWN_PARAMETERS}
    for name in overrides:
        if name not in known:
            raise FtaskError(f"The stack has no parameter {name}.", f"It has: {', '.join(sorted(known))}.")
    values = {name: parameter.default or "" for name, parameter in known.items()}
    values |= {name: value for name, value in current.items() if name in known}
    values |= overrides
    if "WorkerTimeout" in overrides and "VisibilityTimeout" not in overrides:
        advised = VISIBILITY_PER_TIMEOUT * _number(values, "WorkerTimeout")
        values["VisibilityTimeout"] = f"{min(advised, MAX_VISIBILITY_SECONDS):g}"
    _check(values)
    return values


def _check(values: Mapping[str, str]) -> None:
    timeout = _number(values, "WorkerTimeout")
    if _number(values, "VisibilityTimeout") < timeout:
        raise FtaskError(
            f"VisibilityTimeout ({values['VisibilityTimeout']} s) is below WorkerTimeout ({timeout:g} s).",
            f"Lambda asks for at least as much; {VISIBILITY_PER_TIMEOUT} times as much is advised.",
        )
    if _number(values, "TaskBudgetSeconds") >= timeout:
        raise FtaskError(
            f"TaskBudgetSeconds ({values['TaskBudgetSeconds']} s) leaves nothing of WorkerTimeout ({timeout:g} s):"
            " no task would ever begin.",
            "Lower TaskBudgetSeconds or raise WorkerTimeout.",
        )


def _number(values: Mapping[str, str], name: str) -> float:
    try:
        return float(values[name])
    except ValueError:
        raise FtaskError(f"{name} is {values[name]!r}, not a number.") from None
