"""Ask the deployed worker whether it can run tasks, so that a broken deployment is known before the first task.

The build has imported the module already, but maybe with other dependencies than those of the worker's platform.
"""

from __future__ import annotations

import json
from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import command_on
from ftask.aws.target import Target
from ftask.core.text import printable
from ftask.deploy.apply import DeploymentError

_EVENT = {"ftask": "check"}
_MAX_ERROR_BYTES = 4_000


def check_worker(target: Target, function: str) -> None:
    """Invoke the worker once, without a task.

    Raises:
        DeploymentError: it cannot run tasks, or ends with an error; the message has the error's text.
    """
    with translate_aws_errors():
        answer = target.lambda_.invoke(FunctionName=function, Payload=json.dumps(_EVENT).encode())
        error = _error(json.loads(answer["Payload"].read()), failed="FunctionError" in answer)
    if error is None:
        return
    lines = (f"  {printable(line, _MAX_ERROR_BYTES)}" for line in error.splitlines())
    raise DeploymentError(
        "\n".join(["The worker is deployed, and cannot run tasks:", *lines]),
        "Tasks wait in the queue, and use up no attempt. Correct the project, then run:"
        f" {command_on(target, 'deploy')}",
    )


def _error(answer: Any, *, failed: bool) -> str | None:
    """Return what the worker says is wrong; None if its tasks can run."""
    if failed:
        return f"{answer.get('errorType', 'Error')}: {answer.get('errorMessage', 'no message')}"
    return "\n".join(f"{part}: {text}" for part, text in answer["failures"].items()) or None
