"""The stack's parameters: which value each gets in a deployment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from ftask.aws.parameters import (
    LISTS,
    VISIBILITY_MARGIN_SECONDS,
    Severity,
    advised_visibility_seconds,
    contradictions,
    number,
)
from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.aws.target import Target
from ftask.core.errors import InvalidInputError
from ftask.core.manifest import TaskType
from ftask.core.ranges import RANGES


def parse_overrides(pairs: Iterable[str]) -> dict[str, str]:
    """Return the parameters in `NAME=VALUE` pairs, as the command line takes them.

    Raises:
        InvalidInputError: a pair has no `=` or a name is given twice.
    """
    overrides: dict[str, str] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise InvalidInputError(f"Invalid --param {pair!r}: expected NAME=VALUE, like ErrorRate=0.1.")
        if name in overrides:
            raise InvalidInputError(f"Parameter {name} is given twice.", "Give each --param once.")
        overrides[name] = value
    return overrides


def for_emulator(target: Target) -> dict[str, str]:
    """Return the parameters that have another default on an emulator, whose CloudFormation does not know every type."""
    return {"SavedQueries": "false"} if target.is_emulated else {}


def resolve(
    declared: Mapping[str, str | None], current: Mapping[str, str], overrides: Mapping[str, str]
) -> dict[str, str]:
    """Return the value of every parameter: overridden, else as deployed, else its default in the template, `declared`.

    A new worker timeout or batch window takes the visibility timeout along, unless that is given too.

    Raises:
        InvalidInputError: an override names no parameter, or the values contradict each other.
    """
    known = {name: default or "" for name, default in declared.items() if name not in MANAGED_PARAMETERS}
    for name in overrides:
        if name not in known:
            raise InvalidInputError(f"Unknown parameter {name!r}.", _suggestion(name, known))
    deployed = {name: value for name, value in current.items() if name in known}
    values = without_spaces({**known, **deployed, **overrides})
    if "VisibilityTimeout" not in overrides and overrides.keys() & {"WorkerTimeout", "WorkerBatchWindow"}:
        timeout_seconds = number(values, "WorkerTimeout")
        window_seconds = number(values, "WorkerBatchWindow") or 0
        if timeout_seconds is not None:
            values["VisibilityTimeout"] = f"{advised_visibility_seconds(timeout_seconds, window_seconds):g}"
    for contradiction in contradictions(values):
        if contradiction.severity is Severity.ERROR:
            raise InvalidInputError(contradiction.message, contradiction.advice)
    return values


def time_shortages(parameters: Mapping[str, str], types: Iterable[TaskType]) -> Iterator[str]:
    """Yield a sentence for each task type whose timeout is longer than the time that an attempt is sure to have."""
    budget, worker = number(parameters, "TaskBudgetSeconds"), number(parameters, "WorkerTimeout")
    for task_type in types:
        timeout = task_type.options.timeout_seconds
        if timeout is None or budget is None or worker is None or timeout <= budget:
            continue
        longest = RANGES["TaskBudgetSeconds"][1]
        if timeout > longest:
            yield (
                f"Task type {task_type.name} has timeout={timeout:g}, but no attempt is sure of more than {longest:g}"
                f" s. Lower its timeout to {longest:g}."
            )
            continue
        advised = max(worker, timeout + VISIBILITY_MARGIN_SECONDS)
        yield (
            f"Task type {task_type.name} has timeout={timeout:g}, but an attempt is sure of {budget:g} s only"
            f" (TaskBudgetSeconds). Deploy with --param TaskBudgetSeconds={timeout:g}"
            + (f" --param WorkerTimeout={advised:g}." if advised > worker else ".")
        )


def without_spaces(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values, the lists among them without spaces: the template takes these for parts of the members."""
    return {
        name: ",".join(map(str.strip, value.split(","))) if name in LISTS else value for name, value in values.items()
    }


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"The stack has: {', '.join(sorted(known))}."
