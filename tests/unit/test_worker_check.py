from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from ftask.aws.target import Target
from ftask.aws.worker_check import WorkerCheck, check_worker
from ftask.core.errors import FtaskError

TRACEBACK = "Traceback (most recent call last):\n  File tasks.py, line 3\n    import psycopg\nImportError: libpq.so.5"
TIMED_OUT = {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 20.00 seconds"}


class Worker:
    """A worker that gives these answers, one after the other; the last one for ever. An error has an errorType."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803 - boto3's names
        assert (FunctionName, json.loads(Payload)) == ("worker", {"ftask": "check"})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return {
            "Payload": io.BytesIO(json.dumps(answer).encode()),
            **({"FunctionError": "Unhandled"} if "errorType" in answer else {}),
        }


def checked(*answers: Any) -> WorkerCheck:
    target: Any = SimpleNamespace(
        stage_name="prod", default_stage="local", invoking_lambda=lambda seconds: Worker(*answers)
    )
    return check_worker(target, "worker", 20)


def test_a_worker_that_can_run_tasks_has_no_problem() -> None:
    result = checked({"types": ["greet"], "importSeconds": 0.7, "childImportSeconds": 3.2, "failures": {}})
    assert result.problem(Target("prod")) is None
    assert (result.import_seconds, result.child_import_seconds) == (0.7, 3.2)


def test_the_problem_names_cause_and_cure_on_one_line_and_the_whole_text_has_the_traceback() -> None:
    result = checked({"failures": {"tasks": TRACEBACK}})
    assert result.problem(Target("prod")) == (
        "The worker cannot run tasks. Failed: tasks (ImportError: libpq.so.5)."
        " Correct the project, then run: ftask deploy --stage prod"
    )
    assert result.whole_text == f"tasks: {TRACEBACK}"


@pytest.mark.parametrize(
    ("failures", "cure"),
    [
        ({"settings": "Cannot read the secret KEY"}, "Correct the project, then run: ftask deploy --stage prod"),
        ({"table": "AccessDenied", "queue": "AccessDenied"}, "with: ftask doctor --stage prod"),
        ({"table": "AccessDenied", "child": "exited with 1"}, "Correct the project"),
        ({"worker": "Sandbox.Timedout"}, "ftask logs --function worker --level ERROR --stage prod"),
    ],
)
def test_the_cure_fits_the_part_that_fails(failures: dict[str, str], cure: str) -> None:
    assert cure in WorkerCheck(failures).advice(Target("prod"))


def test_a_worker_that_ends_twice_with_an_error_gives_that_for_its_problem() -> None:
    assert checked(TIMED_OUT).failures == {"worker": "Sandbox.Timedout: Task timed out after 20.00 seconds"}


def test_a_worker_that_was_ended_while_it_was_asked_is_asked_again() -> None:
    """Lambda replaces a worker at a change of its code."""
    assert checked({"errorType": "Runtime.ExitError"}, {"failures": {}}).failures == {}


def test_a_worker_that_does_not_know_the_question_is_not_blamed() -> None:
    with pytest.raises(FtaskError, match="of an ftask that has no check"):
        checked({"errorType": "KeyError", "errorMessage": "'Records'"})


def test_control_characters_of_an_error_reach_no_terminal() -> None:
    assert checked({"failures": {"tasks": "\x1b[2Jgone"}}).whole_text.isprintable()


def test_the_client_that_invokes_waits_for_the_worker_and_does_not_invoke_it_again() -> None:
    """Another invocation would find the worker as busy as the first, and pay for it."""
    target = Target("prod", region="eu-west-1", access_key="a", secret_key="b")
    config: Any = target.invoking_lambda(35).meta.config
    assert (config.read_timeout, config.connect_timeout) == (35, 5)
    assert config.retries["total_max_attempts"] == 1
