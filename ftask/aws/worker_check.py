"""Ask the deployed worker whether it can run tasks: it makes and calls every part of itself, and runs none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import command_on
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.core.text import printable

_EVENT = {"ftask": "check"}
_MAX_LINE_BYTES = 4_000
# A worker that has to start first takes longer than its timeout.
_START_SECONDS = 15
# Parts that a deployment does not change, unless somebody changed them without one.
_AWS_PARTS = frozenset({"table", "queue", "deadLetterQueue"})
# The part that stands for a worker that gave no answer.
_WORKER = "worker"


@dataclass(frozen=True, slots=True)
class WorkerCheck:
    """What a worker found out about itself.

    `failures` are the texts of its errors, by part; without any, it can run tasks. The seconds are those of the import
    of its tasks, in its own process and in a child; None where it got to none.
    """

    failures: Mapping[str, str]
    import_seconds: float | None = None
    child_import_seconds: float | None = None

    @property
    def whole_text(self) -> str:
        """What failed, with tracebacks."""
        return "\n".join(f"{part}: {text}" for part, text in self.failures.items())

    @property
    def short_text(self) -> str:
        """What failed, as a sentence on one line without tracebacks."""
        failed = (f"{part} ({_without_frames(text)})" for part, text in self.failures.items())
        return f"Failed: {', '.join(failed)}."

    def problem(self, target: Target) -> str | None:
        """Return what failed and what to do about it, on one line; None for a worker that can run tasks."""
        return f"The worker cannot run tasks. {self.short_text} {self.advice(target)}" if self.failures else None

    def advice(self, target: Target) -> str:
        """Return what to do about the failures."""
        if _WORKER in self.failures:
            return f"See its log with: {command_on(target, 'logs --function worker --level ERROR')}"
        if self.failures.keys() <= _AWS_PARTS:
            return f"See what was changed without a deployment with: {command_on(target, 'doctor')}"
        return f"Correct the project, then run: {command_on(target, 'deploy')}"


def check_worker(target: Target, function: str, timeout_seconds: float) -> WorkerCheck:
    """Invoke the worker without a task, and once more if it ends with an error: what fails to start may start again.

    Args:
        target: the stage.
        function: the worker's name.
        timeout_seconds: its timeout.

    Raises:
        FtaskError: it cannot be asked, or does not know the question.
    """
    with translate_aws_errors():
        client = target.invoking_lambda(timeout_seconds + _START_SECONDS)
        for _ in range(2):
            invoked = client.invoke(FunctionName=function, Payload=json.dumps(_EVENT).encode())
            answer = json.loads(invoked["Payload"].read())
            if not invoked.get("FunctionError"):
                break
        else:
            if answer.get("errorMessage") == "'Records'":
                raise FtaskError(
                    f"The deployed worker {function} is of an ftask that has no check.",
                    f"Deploy this one with: {command_on(target, 'deploy')}",
                )
            text = f"{answer.get('errorType', 'Error')}: {answer.get('errorMessage', 'no message')}"
            return WorkerCheck({_WORKER: _printable(text)})
    failures = {part: _printable(text) for part, text in answer["failures"].items()}
    return WorkerCheck(failures, answer.get("importSeconds"), answer.get("childImportSeconds"))


def _printable(text: str) -> str:
    lines = ((line, line.lstrip(" ")) for line in text.splitlines())
    return "\n".join(" " * (len(line) - len(code)) + printable(code, _MAX_LINE_BYTES) for line, code in lines)


def _without_frames(text: str) -> str:
    """Return the lines of an error without those of its traceback, as one."""
    lines = (line for line in text.splitlines() if not line.startswith((" ", "Traceback (most recent")))
    return " ".join(lines).rstrip(".")
