from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from ftask.aws.target import Target
from ftask.deploy.apply import DeploymentError
from ftask.deploy.worker_check import check_worker


def target_with(answer: Any, **more: str) -> Target:
    """A stage whose worker gives this answer."""

    def invoke(*, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803 - boto3's names
        assert (FunctionName, json.loads(Payload)) == ("worker", {"ftask": "check"})
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **more}

    target = Target("prod", region="eu-west-1")
    vars(target)["lambda_"] = SimpleNamespace(invoke=invoke)  # where the cached client would be
    return target


def test_a_worker_that_can_import_its_tasks_passes() -> None:
    check_worker(target_with({"types": ["greet"], "failures": {}}), "worker")


def test_the_error_of_a_worker_that_cannot_import_its_tasks_is_shown() -> None:
    error = "Traceback:\n  tasks.py, line 3\nImportError: libpq.so.5"
    with pytest.raises(DeploymentError, match=r"cannot run tasks:\n  tasks: Traceback:\n(?s:.*)libpq") as refused:
        check_worker(target_with({"types": [], "failures": {"tasks": error}}), "worker")
    assert refused.value.hint is not None
    assert "ftask deploy --stage prod" in refused.value.hint


def test_a_worker_that_ends_with_an_error_is_reported() -> None:
    answer = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 20.00 seconds"}
    with pytest.raises(DeploymentError, match=r"Sandbox.Timedout: Task timed out after 20.00 seconds"):
        check_worker(target_with(answer, FunctionError="Unhandled"), "worker")
