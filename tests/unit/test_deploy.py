from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.deploy.artifacts import StoredArchive
from ftask.deploy.events import StackEvent, root_cause
from ftask.deploy.package import build_archive, stack_folder
from ftask.deploy.parameters import Declared, parse_overrides, resolve
from ftask.deploy.plan import Change, Plan, PropertyChange, make_plan, plan_data_only, refuse_data_loss
from ftask.deploy.tokens import author, new_token

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

    def __init__(self, *states: str, changes: Sequence[Any] = (), deployed: Mapping[str, str] | None = None) -> None:
        self.states = list(states)
        self.changes = changes
        self.deployed = deployed or {}
        self.token = "token-of-another-tool"
        self.asked: list[str] = []
        self.requested: dict[str, Any] = {}

    def describe_stacks(self, **_: Any) -> Any:
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in self.deployed.items()]
        return {"Stacks": [{"StackStatus": status, "StackId": "id", "Parameters": parameters}]}

    def describe_stack_events(self, **_: Any) -> Any:
        begun = {
            "ResourceType": "AWS::CloudFormation::Stack",
            "ResourceStatusReason": "User Initiated",
            "Timestamp": datetime(2026, 1, 1, 12, 0, tzinfo=UTC),
            "ClientRequestToken": self.token,
        }
        return {"StackEvents": [{"ResourceType": "AWS::SQS::Queue"}, begun]}

    def get_template_summary(self, **_: Any) -> Any:
        self.asked.append("get_template_summary")
        declared = {**{each.name: each.default for each in DECLARED}, **self.deployed}
        return {"Parameters": [{"ParameterKey": name, "DefaultValue": value} for name, value in declared.items()]}

    def create_change_set(self, **request: Any) -> Any:
        self.requested = request
        return {"Id": "set", "StackId": "id"}

    def describe_change_set(self, **_: Any) -> Any:
        return {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": change} for change in self.changes]}

    def __getattr__(self, name: str) -> Any:
        def ask(**_: Any) -> Any:
            self.asked.append(name)
            return {}

        return ask


def target_of(stack: FakeStack, endpoint_url: str | None = None) -> Target:
    target = Target("prod", region="eu-west-1", endpoint_url=endpoint_url)
    vars(target)["cloudformation"] = stack  # where the cached client would be
    return target


def planned_on(stack: FakeStack, endpoint_url: str | None = None, **overrides: str) -> Plan:
    code = StoredArchive("b", "k", "h", uploaded=False)
    return make_plan(target_of(stack, endpoint_url), "", code, overrides, sleep=lambda _: None)


def test_a_second_deployment_is_refused_with_who_and_since_when() -> None:
    stack = FakeStack("UPDATE_IN_PROGRESS")
    stack.token = new_token()
    who = author(stack.token)
    assert who
    with pytest.raises(FtaskError, match=rf"UPDATE_IN_PROGRESS since \d\d:\d\d:\d\d: .* \({who}\)") as refused:
        planned_on(stack)
    assert "cancel-update-stack --stack-name ftask-prod" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("status", "how"),
    [
        ("CREATE_IN_PROGRESS", "again, or stop it with: aws cloudformation delete-stack --stack-name ftask-prod."),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "run the command again."),
        ("DELETE_IN_PROGRESS", "run the command again."),
    ],
)
def test_what_goes_on_is_stopped_in_the_way_that_there_is(status: str, how: str) -> None:
    with pytest.raises(FtaskError) as refused:
        planned_on(FakeStack(status))
    assert str(refused.value.hint).endswith(how)


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_FAILED"])
def test_a_stack_beyond_repair_has_to_be_removed_first(status: str) -> None:
    with pytest.raises(FtaskError, match=status) as refused:
        planned_on(FakeStack(status))
    assert "ftask remove" in str(refused.value.hint)


def test_a_deployment_by_another_tool_is_told_by_its_token() -> None:
    with pytest.raises(FtaskError, match="another tool, with the token token-of-another-tool"):
        planned_on(FakeStack("UPDATE_IN_PROGRESS"))


def test_a_token_is_new_each_time_and_is_one_that_cloudformation_takes() -> None:
    first, second = new_token(), new_token()
    assert first != second
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
    assert re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", first)


def test_a_rollback_that_failed_is_gone_on_with_first() -> None:
    stack = FakeStack("UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE")
    planned_on(stack)
    assert stack.asked == ["continue_update_rollback", "get_template_summary"]


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_what_is_left_of_a_first_deployment_gives_way_to_another_first_one(status: str) -> None:
    stack = FakeStack(status, "DELETE_COMPLETE")
    assert planned_on(stack).creates_stack
    assert stack.requested["ChangeSetType"] == "CREATE"
    assert stack.asked.count("delete_stack") == (status == "ROLLBACK_COMPLETE")


def test_a_plan_tells_each_property_with_its_values() -> None:
    def detail(**target: str) -> Any:
        return {"Target": {"Attribute": "Properties", **target}}

    change = {
        "Action": "Modify",
        "LogicalResourceId": "WorkerFunction",
        "ResourceType": "AWS::Lambda::Function",
        "Replacement": "False",
        "Details": [
            detail(Name="Timeout", Path="/Properties/Timeout", BeforeValue="20", AfterValue="30"),
            # Once more, for the parameter that it comes from.
            detail(Name="Timeout", Path="/Properties/Timeout"),
            detail(Name="Environment", Path="/Properties/Environment/Variables/NEW", AfterValue="1"),
            {"Target": {"Attribute": "Tags"}},
        ],
    }
    plan = planned_on(
        FakeStack("UPDATE_COMPLETE", changes=[change], deployed={"WorkerTimeout": "20", "ErrorRate": "0.3"}),
        WorkerTimeout="30",
    )
    assert plan.changes[0].properties == (
        PropertyChange("Environment/Variables/NEW", None, "1"),
        PropertyChange("Tags"),
        PropertyChange("Timeout", "20", "30"),
    )
    assert plan.changed_parameters["WorkerTimeout"] == ("20", "30")
    assert plan.changed_parameters["VisibilityTimeout"] == (None, "180")
    assert "ErrorRate" not in plan.changed_parameters


def test_a_stack_that_serves_is_not_left_at_its_data() -> None:
    stack = FakeStack("UPDATE_COMPLETE", deployed={"DataOnly": "true"})
    assert "DataOnly" not in planned_on(stack).parameters
    assert {"ParameterKey": "DataOnly", "ParameterValue": "false"} in stack.requested["Parameters"]


def test_keeping_the_data_changes_nothing_else() -> None:
    stack = FakeStack("UPDATE_COMPLETE", deployed={"DataOnly": "false", "ErrorRate": "0.5", "CodeKey": "x/h.zip"})
    assert plan_data_only(target_of(stack)).code_sha256 == "h"
    assert stack.requested["UsePreviousTemplate"]
    assert stack.requested["Parameters"] == [
        {"ParameterKey": "DataOnly", "ParameterValue": "true"},
        {"ParameterKey": "ErrorRate", "UsePreviousValue": True},
        {"ParameterKey": "CodeKey", "UsePreviousValue": True},
    ]


def test_a_stack_that_cannot_keep_its_data_is_told() -> None:
    with pytest.raises(FtaskError, match="could not keep data") as refused:
        plan_data_only(target_of(FakeStack("UPDATE_COMPLETE", deployed={"CodeKey": "x/h.zip"})))
    assert refused.value.hint == "First run: ftask deploy --stage prod"


def test_an_emulator_gets_no_resources_that_it_does_not_know() -> None:
    declared = {"SavedQueries": "true"}
    assert planned_on(FakeStack("UPDATE_COMPLETE", deployed=declared)).parameters["SavedQueries"] == "true"
    emulated = planned_on(FakeStack("UPDATE_COMPLETE", deployed=declared), "http://an.emulator")
    assert emulated.parameters["SavedQueries"] == "false"


@pytest.mark.parametrize(
    ("change", "loses"),
    [
        (Change("Remove", "Table", "AWS::DynamoDB::Table", None, ()), True),
        (Change("Modify", "Queue", "AWS::SQS::Queue", "True", (PropertyChange("QueueName"),)), True),
        (Change("Modify", "Queue", "AWS::SQS::Queue", "Conditional", (PropertyChange("QueueName"),)), True),
        (Change("Modify", "Queue", "AWS::SQS::Queue", "False", (PropertyChange("VisibilityTimeout"),)), False),
        (Change("Add", "Table", "AWS::DynamoDB::Table", None, ()), False),
        (Change("Modify", "ApiRole", "AWS::IAM::Role", "True", ()), False),
    ],
)
def test_a_plan_that_loses_data_is_refused(change: Change, loses: bool) -> None:
    plan = Plan(
        "ftask-prod", "id", "set", creates_stack=False, changes=(change,), parameters={}, deployed={}, code_sha256="h"
    )
    assert change.loses_data == loses
    if loses:
        with pytest.raises(FtaskError, match=f"replace or remove {change.logical_id}"):
            refuse_data_loss(plan)
    else:
        refuse_data_loss(plan)
