"""What the AWS calls of a run pass through: each is counted, and may be struck by a fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ReadTimeoutError

from tests.crash.actors import Actor, Crash


class Fault(StrEnum):
    """What may happen to a call."""

    DIE_BEFORE = "die before the call"
    DIE_AFTER = "die after AWS applied it"
    THROTTLE = "throttled"
    FAIL_AFTER = "AWS applied it, the caller gets an error"
    LOSE_ANSWER = "answer lost, sent again by the SDK"


@dataclass
class Wire:
    """The calls of one run, in order. `faults` says which of them, by number, are struck by what."""

    faults: Mapping[int, Fault] = field(default_factory=dict)
    edit: Callable[[str, dict[str, Any]], None] | None = None
    # How many orders between actors have been decided so far.
    position: Callable[[], int] = lambda: 0
    calls: list[str] = field(default_factory=list)
    decided_before: list[int] = field(default_factory=list)
    fired: set[int] = field(default_factory=set)

    def before(self, operation: str, context: dict[str, Any]) -> Any:
        """The call is about to leave."""
        Actor.pause_current()
        index = len(self.calls)
        self.calls.append(operation)
        self.decided_before.append(self.position())
        context["ftask_call"] = index
        fault = self.faults.get(index)
        if fault is Fault.DIE_BEFORE:
            self.fired.add(index)
            raise Crash(f"before call {index}, {operation}")
        if fault is Fault.THROTTLE:
            self.fired.add(index)
            error = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}, "ResponseMetadata": {}}
            return SimpleNamespace(status_code=400), error
        return None

    def after(self, context: dict[str, Any]) -> None:
        """AWS has applied it."""
        index = context["ftask_call"]
        if self.faults.get(index) is Fault.DIE_AFTER:
            self.fired.add(index)
            raise Crash(f"after call {index}, {self.calls[index]}")
        if self.faults.get(index) is Fault.FAIL_AFTER:
            self.fired.add(index)
            raise ReadTimeoutError(endpoint_url="https://aws")

    def answered(self, context: dict[str, Any]) -> int | None:
        """The answer is here; a number of seconds makes the SDK send the same request again after them."""
        index = context["ftask_call"]
        if self.faults.get(index) is Fault.LOSE_ANSWER and index not in self.fired:
            self.fired.add(index)
            return 0
        return None

    @property
    def missed(self) -> set[int]:
        """Faults that were ordered and never struck."""
        return set(self.faults) - self.fired
