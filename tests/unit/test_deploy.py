from __future__ import annotations

import io
import os
import zipfile
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.artifacts import StoredArchive
from ftask.deploy.events import StackEvent, root_cause
from ftask.deploy.package import build_archive, stack_folder
from ftask.deploy.parameters import Declared, parse_overrides, resolve
from ftask.deploy.plan import Change, Plan, make_plan, refuse_data_loss

DECLARED = [
    Declared("CodeBucket", None),
    Declared("WorkerTimeout", "20"),
    Declared("VisibilityTimeout", "120"),
    Declared("TaskBudgetSeconds", "10"),
    Declared("ErrorRate", "0.3"),
]


def test_the_archive_is_the_same_bytes_whenever_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_archive()
    source = stack_folder() / "handlers" / "worker.py"
    times = source.stat().st_atime_ns, source.stat().st_mtime_ns
    try:
        os.utime(source, (1, 1))
        assert build_archive() == first
    finally:
        os.utime(source, ns=times)


def test_the_archive_holds_the_core_and_the_handlers_and_nothing_compiled() -> None:
    with zipfile.ZipFile(io.BytesIO(build_archive().content)) as archive:
        names = archive.namelist()
    assert {"ftask/__init__.py", "ftask/core/execution.py", "ftask/handlers/api.py", "ftask/handlers/worker.py"} <= set(
        names
    )

    assert all(name.startswith(("ftask/core/", "ftask/handlers/")) or name == "ftask/__init__.py" for name in names)


def test_parameters_stay_as_deployed_unless_they_are_given() -> None:
    values = resolve(DECLARED, {"ErrorRate": "0.5", "WorkerTimeout": "30"}, {"WorkerTimeout": "40"})
    assert values["ErrorRate"] == "0.5"
    assert values["WorkerTimeout"] == "40"


def test_a_parameter_that_the_template_no_longer_has_is_forgotten() -> None:
    assert "Old" not in resolve(DECLARED, {"Old": "1"}, {})


def test_a_new_worker_timeout_takes_the_visibility_timeout_along() -> None:
    assert resolve(DECLARED, {}, {"WorkerTimeout": "60"})["VisibilityTimeout"] == "360"
    assert resolve(DECLARED, {}, {"WorkerTimeout": "60", "VisibilityTimeout": "90"})["VisibilityTimeout"] == "90"


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"Nonsense": "1"}, "no parameter Nonsense"),
        ({"CodeBucket": "mine"}, "no parameter CodeBucket"),
        ({"WorkerTimeout": "200", "VisibilityTimeout": "100"}, "below WorkerTimeout"),
        ({"TaskBudgetSeconds": "20"}, "no task would ever begin"),
        ({"WorkerTimeout": "soon"}, "not a number"),
    ],
)
def test_parameters_that_cannot_work_are_refused_before_anything_is_planned(
    overrides: dict[str, str], says: str
) -> None:
    with pytest.raises(FtaskError, match=says):
        resolve(DECLARED, {}, overrides)


def test_overrides_are_pairs() -> None:
    assert parse_overrides(["A=1", "B=x=y"]) == {"A": "1", "B": "x=y"}
    for wrong in (["A"], ["=1"], ["A=1", "A=2"]):
        with pytest.raises(FtaskError):
            parse_overrides(wrong)


def event(logical_id: str, status: str, reason: str | None = None, kind: str = "AWS::SQS::Queue") -> StackEvent:
    return StackEvent(logical_id, datetime.now(UTC), logical_id, kind, status, reason)


def test_the_root_cause_is_the_first_failure_that_follows_from_no_other() -> None:
    events = [
        event("Table", "CREATE_FAILED", "Resource creation cancelled"),
        event("Queue", "CREATE_FAILED", "the limit of queues is reached"),
        event("ftask-x", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed", "AWS::CloudFormation::Stack"),
    ]
    found = root_cause(events)
    assert found is not None
    assert found.logical_id == "Queue"


def test_a_stack_that_failed_by_itself_is_its_own_cause() -> None:
    found = root_cause([event("ftask-x", "UPDATE_FAILED", "no capability", "AWS::CloudFormation::Stack")])
    assert found is not None
    assert found.reason == "no capability"


class FakeStack:
    """A stack in a state that no emulator comes to; what was asked of CloudFormation is in `asked`."""

    def __init__(self, *states: str) -> None:
        self.states = list(states)
        self.asked: list[str] = []

    def describe_stacks(self, **_: Any) -> Any:
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {"Stacks": [{"StackStatus": status, "StackId": "id", "Parameters": []}]}

    def describe_stack_events(self, **_: Any) -> Any:
        begun = {
            "ResourceType": "AWS::CloudFormation::Stack",
            "ResourceStatusReason": "User Initiated",
            "Timestamp": datetime(2026, 1, 1, 12, 0, tzinfo=UTC),
            "ClientRequestToken": "token-of-a-colleague",
        }
        return {"StackEvents": [{"ResourceType": "AWS::SQS::Queue"}, begun]}

    def __getattr__(self, name: str) -> Any:
        def ask(**_: Any) -> Any:
            self.asked.append(name)
            if name == "get_template_summary":
                raise FtaskError("far enough")
            return {}

        return ask


def planned_on(stack: FakeStack) -> None:
    target: Any = SimpleNamespace(cloudformation=stack, stack_name="ftask-prod", endpoint_url="http://an.emulator")
    make_plan(target, "", StoredArchive("b", "k", "h", uploaded=False), {}, sleep=lambda _: None)


def test_a_second_deployment_is_refused_with_who_and_since_when() -> None:
    with pytest.raises(
        FtaskError, match=r"UPDATE_IN_PROGRESS, since \d\d:\d\d:\d\d: .*token-of-a-colleague"
    ) as refused:
        planned_on(FakeStack("UPDATE_IN_PROGRESS"))
    assert "cancel-update-stack --stack-name ftask-prod" in str(refused.value.hint)


def test_a_rollback_that_failed_is_gone_on_with_first() -> None:
    stack = FakeStack("UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")
    with pytest.raises(FtaskError, match="far enough"):
        planned_on(stack)
    assert stack.asked == ["continue_update_rollback", "get_template_summary"]


@pytest.mark.parametrize(
    ("change", "loses"),
    [
        (Change("Remove", "Table", "AWS::DynamoDB::Table", None, ()), True),
        (Change("Modify", "Queue", "AWS::SQS::Queue", "True", ("QueueName",)), True),
        (Change("Modify", "Queue", "AWS::SQS::Queue", "Conditional", ("QueueName",)), True),
        (Change("Modify", "Queue", "AWS::SQS::Queue", "False", ("VisibilityTimeout",)), False),
        (Change("Add", "Table", "AWS::DynamoDB::Table", None, ()), False),
        (Change("Modify", "ApiRole", "AWS::IAM::Role", "True", ()), False),
    ],
)
def test_a_plan_that_loses_data_is_refused(change: Change, loses: bool) -> None:
    plan = Plan("ftask-prod", "id", "set", creates_stack=False, changes=(change,), parameters={}, code_sha256="h")
    assert change.loses_data == loses
    if loses:
        with pytest.raises(FtaskError, match=f"replace or remove {change.logical_id}"):
            refuse_data_loss(plan)
    else:
        refuse_data_loss(plan)
