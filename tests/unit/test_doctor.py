from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any, cast

import boto3
import botocore.session
import pytest
from botocore.stub import Stubber

from ftask.aws.stack import DeployedStack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.core.model import Status
from ftask.core.timestamps import now
from ftask.doctor.checks import checks
from ftask.doctor.finding import Finding, Level
from ftask.doctor.overdue_tasks import message_due
from ftask.doctor.worker_settings import check_worker
from ftask.ops import consumption
from ftask.render.info import findings_table, summary
from tests.support.builders import a_running_task, a_task
from tests.support.clock import EPOCH
from tests.support.drawing import drawn


def test_a_message_is_due_when_its_task_can_go_on() -> None:
    assert message_due(a_task()) == EPOCH
    assert message_due(a_running_task()) == EPOCH + timedelta(seconds=22)
    retrying = a_task(status=Status.RETRYING, next_attempt_at=EPOCH + timedelta(seconds=900))
    assert message_due(retrying) == EPOCH + timedelta(seconds=900)


@pytest.mark.parametrize(
    ("date", "agrees"),
    [
        ("{0}", True),
        # Added by a proxy once more: its zone is lost on Python's parser.
        ("{0}, {0}", True),
        ("Thu, 01 Jan 2026 12:00:00 GMT", False),
        ("soon", None),
        (None, None),
    ],
)
def test_the_clock_is_compared_with_whatever_date_an_answer_has(date: str | None, agrees: bool | None) -> None:
    sts = botocore.session.get_session().create_client(
        "sts", "us-east-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    headers = {} if date is None else {"date": date.format(format_datetime(now(), usegmt=True))}
    target = Target("prod", region="us-east-1")
    vars(target)["sts"] = sts  # where the cached client would be
    with Stubber(sts) as stubber:
        answer = {
            "Account": "1",
            "Arn": "arn:aws:iam::1:user/u-of-the-test",
            "ResponseMetadata": {"HTTPHeaders": headers},
        }
        stubber.add_response("get_caller_identity", answer)
        findings = list(checks(lambda: None)["credentials"](Stage(target, cast("DeployedStack", None))))
    clocks = [finding.level is Level.OK for finding in findings if finding.check == "clock"]
    assert clocks == ([] if agrees is None else [agrees])


STUCK = Finding("tasks", Level.ERROR, "stuck", "do this", lambda: "done")
GOOD = Finding("clock", Level.OK, "agrees")
NOTE = Finding("consumption", Level.NOTE, "paused")
ALONE = Finding("stack", Level.WARNING, "changed", "change it back")


def deny() -> str:
    raise FtaskError("Denied.")


DENIED = replace(STUCK, fix=deny)


def test_a_finding_says_whether_it_can_be_repaired_and_was() -> None:
    assert STUCK.repaired().json() == {
        "check": "tasks",
        "level": "error",
        "message": "stuck",
        "hint": "do this",
        "fixable": True,
        "repair": "done",
        "repaired": True,
    }
    assert ALONE.repaired() == ALONE
    assert ALONE.json()["repaired"] is False


def test_a_repaired_finding_is_ticked_off_and_a_failed_repair_is_not() -> None:
    repaired = drawn(findings_table([STUCK.repaired()]))
    assert repaired.split() == ["✓", "tasks", "stuck", "done", "0", "ok,", "1", "repaired,", "no", "problems."]
    failed = drawn(findings_table([DENIED.repaired()]))
    assert failed.startswith("✗")
    assert "Not repaired. Denied." in failed
    assert "1 problem" in failed


def test_the_summary_counts_what_is_left() -> None:
    findings = [GOOD, GOOD, NOTE, STUCK, ALONE]
    assert summary(findings) == "2 ok, 1 note, 2 problems; --fix can repair 1."
    assert summary([finding.repaired() for finding in findings]) == "2 ok, 1 repaired, 1 note, 1 problem."
    assert summary([GOOD, GOOD, NOTE, DENIED.repaired(), ALONE]) == "2 ok, 1 note, 2 problems."
    assert summary([GOOD, NOTE]) == "1 ok, 1 note, no problems."


UUID = "01234567-89ab-cdef-0123-456789abcdef"
AS_DEPLOYED: dict[str, Any] = {
    "UUID": UUID,
    "State": "Enabled",
    "BatchSize": 10,
    "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:ftask-prod-worker",
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
    "ScalingConfig": {"MaximumConcurrency": 10},
    "MaximumBatchingWindowInSeconds": 5,
}


@pytest.fixture
def stubbed() -> Iterator[tuple[Stage, Stubber, Stubber]]:
    """A stage whose Lambda and SQS answer what a test says, in requests that botocore finds valid."""
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
    lambda_, sqs = boto3.client("lambda", **keys), boto3.client("sqs", **keys)  # type: ignore[call-overload]
    target: Any = SimpleNamespace(lambda_=lambda_, sqs=sqs, stage_name="prod", default_stage="local")
    outputs = SimpleNamespace(worker_source=UUID, worker_function="ftask-prod-worker", queue_url="https://queue")
    parameters = {"WorkerTimeout": "20", "VisibilityTimeout": "30", "WorkerConcurrency": "10", "WorkerBatchSize": "10"}
    parameters["WorkerBatchWindow"] = "5"
    stack: Any = SimpleNamespace(outputs=outputs, parameters=parameters)
    with Stubber(lambda_) as stub, Stubber(sqs) as queue:
        yield Stage(target, stack), stub, queue
        stub.assert_no_pending_responses()
        queue.assert_no_pending_responses()


def as_found(stub: Stubber, queue: Stubber, timeout: int = 20, visibility: int = 30) -> None:
    stub.add_response("get_function_configuration", {"Timeout": timeout}, {"FunctionName": "ftask-prod-worker"})
    queue.add_response("get_queue_attributes", {"Attributes": {"VisibilityTimeout": str(visibility)}})


def test_a_worker_as_deployed_is_fine(stubbed: tuple[Stage, Stubber, Stubber]) -> None:
    stage, stub, queue = stubbed
    stub.add_response("get_event_source_mapping", AS_DEPLOYED)
    as_found(stub, queue)
    assert [finding.level for finding in check_worker(stage, lambda: None)] == [Level.OK]


@pytest.mark.parametrize(
    ("found", "restored", "says"),
    [
        ({"BatchSize": 1}, {"BatchSize": 10}, "The event source mapping's BatchSize is 1, deployed as 10"),
        (
            {"FunctionResponseTypes": []},
            {"FunctionResponseTypes": ["ReportBatchItemFailures"]},
            "messages of tasks that wait for a retry are deleted",
        ),
        ({"MaximumBatchingWindowInSeconds": 60}, {"MaximumBatchingWindowInSeconds": 5}, "is 60, deployed as 5"),
        (
            {"ScalingConfig": {}},
            {"ScalingConfig": {"MaximumConcurrency": 10}},
            "is {}, deployed as {'MaximumConcurrency': 10}",
        ),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, {"FilterCriteria": {}}, "do not match are deleted"),
        (
            {"FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:other"},
            {"FunctionName": "ftask-prod-worker"},
            "another function gets the tasks",
        ),
    ],
)
def test_a_changed_event_source_mapping_is_put_back(
    stubbed: tuple[Stage, Stubber, Stubber], found: dict[str, Any], restored: dict[str, Any], says: str
) -> None:
    stage, stub, queue = stubbed
    stub.add_response("get_event_source_mapping", AS_DEPLOYED | found)
    as_found(stub, queue)
    (finding,) = check_worker(stage, lambda: None)
    assert finding.level is Level.ERROR
    assert says in finding.message
    stub.add_response("update_event_source_mapping", {}, {"UUID": UUID, **restored})
    assert finding.fix is not None
    assert finding.fix().endswith(" again")


def test_a_mapping_without_a_limit_of_its_own_has_none(stubbed: tuple[Stage, Stubber, Stubber]) -> None:
    stage, stub, queue = stubbed
    stage.stack.parameters["WorkerConcurrency"] = "0"  # type: ignore[index]  # a dict here
    stub.add_response("get_event_source_mapping", AS_DEPLOYED)
    as_found(stub, queue)
    (finding,) = check_worker(stage, lambda: None)
    assert "ScalingConfig is {'MaximumConcurrency': 10}, deployed as {}" in finding.message
    stub.add_response("update_event_source_mapping", {}, {"UUID": UUID, "ScalingConfig": {}})
    assert finding.fix is not None
    finding.fix()


def test_changed_timeouts_are_put_back_to_the_parameters(stubbed: tuple[Stage, Stubber, Stubber]) -> None:
    stage, stub, queue = stubbed
    stub.add_response("get_event_source_mapping", AS_DEPLOYED)
    as_found(stub, queue, timeout=3, visibility=0)
    timeout, visibility = check_worker(stage, lambda: None)
    assert timeout.message.startswith("The worker function's Timeout is 3, deployed as 20:")
    assert visibility.message.startswith("The queue's VisibilityTimeout is 0, deployed as 30:")
    function = {"FunctionName": "ftask-prod-worker", "Timeout": 20}
    stub.add_response("update_function_configuration", {}, function)
    queue.add_response(
        "set_queue_attributes", {}, {"QueueUrl": "https://queue", "Attributes": {"VisibilityTimeout": "30"}}
    )
    assert timeout.fix is not None
    assert visibility.fix is not None
    assert timeout.fix() == "The worker function's Timeout is 20 again"
    assert visibility.fix() == "The queue's VisibilityTimeout is 30 again"


def test_an_event_source_mapping_that_is_gone_is_recreated(stubbed: tuple[Stage, Stubber, Stubber]) -> None:
    stage, stub, queue = stubbed
    stub.add_client_error("get_event_source_mapping", "ResourceNotFoundException")
    as_found(stub, queue)
    made: list[bool] = []
    (finding,) = check_worker(stage, lambda: made.append(True))
    assert finding.level is Level.ERROR
    assert "is gone: somebody deleted it, and no task runs." in finding.message
    assert finding.fix is not None
    assert finding.fix() == "recreated the event source mapping"
    assert made


def test_pause_and_resume_say_what_to_do_about_a_mapping_that_is_gone(
    stubbed: tuple[Stage, Stubber, Stubber],
) -> None:
    stage, stub, _ = stubbed
    stub.add_client_error("get_event_source_mapping", "ResourceNotFoundException")
    with pytest.raises(FtaskError, match="is gone") as raised:
        consumption.switch(stage, enabled=True)
    assert raised.value.hint == "Recreate it with: ftask doctor --fix --stage prod"
