from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session
from botocore.stub import Stubber
from packaging.requirements import Requirement

from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.deploy.apply import apply
from ftask.deploy.artifacts import CodeLocation
from ftask.deploy.changes import Change, PropertyChange
from ftask.deploy.deployment import Deployment
from ftask.deploy.plan import (
    Plan,
    discard_plan,
    dropped_unless_begun,
    make_plan,
    plan_managed,
    plan_parameters,
    plan_return,
    read_previous,
    refuse_data_loss,
)
from ftask.deploy.project import Project
from tests.support.cloudformation import FakeStack, planned_on, target_of

ADDED = {"Action": "Add", "LogicalResourceId": "Table", "ResourceType": "AWS::DynamoDB::Table"}


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
    assert plan.changed_parameters["VisibilityTimeout"] == (None, "40")
    assert "ErrorRate" not in plan.changed_parameters


def test_a_stack_that_serves_is_not_left_at_its_data() -> None:
    stack = FakeStack("UPDATE_COMPLETE", deployed={"DataOnly": "true"})
    assert "DataOnly" not in planned_on(stack).parameters
    assert {"ParameterKey": "DataOnly", "ParameterValue": "false"} in stack.requested["Parameters"]


def test_a_deployment_puts_back_the_mapping_that_an_interrupted_repair_took_out() -> None:
    stack = FakeStack("UPDATE_COMPLETE", deployed={"HasWorkerSource": "false"})
    assert "HasWorkerSource" not in planned_on(stack).parameters
    assert {"ParameterKey": "HasWorkerSource", "ParameterValue": "true"} in stack.requested["Parameters"]


def test_keeping_the_data_changes_nothing_else() -> None:
    deployed = {"DataOnly": "false", "ErrorRate": "0.5", "CodeKey": "x/h.zip", "WorkerCodeKey": "x/w.zip"}
    stack = FakeStack("UPDATE_COMPLETE", deployed=deployed)
    plan = plan_managed(target_of(stack), "DataOnly", "true")
    assert (plan.api_code_sha256, plan.worker_code_sha256) == ("h", "w")
    assert stack.requested["UsePreviousTemplate"]
    requested = {each["ParameterKey"]: each["ParameterValue"] for each in stack.requested["Parameters"]}
    assert requested == deployed | {"DataOnly": "true"}


def test_other_parameters_leave_code_and_template_alone() -> None:
    deployed = {
        "CodeKey": "x/h.zip",
        "WorkerCodeKey": "x/w.zip",
        "DataOnly": "true",
        "ErrorRate": "0.5",
        "WorkerTimeout": "20",
    }
    stack = FakeStack("UPDATE_COMPLETE", deployed=deployed)
    plan = plan_parameters(target_of(stack), {"ErrorRate": "0.1"})
    assert (plan.api_code_sha256, plan.worker_code_sha256) == ("h", "w")
    assert stack.requested["UsePreviousTemplate"]
    assert "Tags" not in stack.requested
    values = {entry["ParameterKey"]: entry["ParameterValue"] for entry in stack.requested["Parameters"]}
    assert (
        values | {"ErrorRate": "0.1", "CodeKey": "x/h.zip", "WorkerCodeKey": "x/w.zip", "DataOnly": "false"} == values
    )
    with pytest.raises(FtaskError, match="Unknown parameter 'ErrorRat'"):
        plan_parameters(target_of(stack), {"ErrorRat": "0.1"})


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
        stack_name="ftask-prod",
        stack_id="id",
        change_set_id="set",
        creates_stack=False,
        changes=(change,),
        parameters={},
        deployed={},
        api_code_sha256="h",
        worker_code_sha256="w",
    )
    assert change.loses_data == loses
    if loses:
        with pytest.raises(FtaskError, match=f"replace or remove {change.logical_id}"):
            refuse_data_loss(plan)
    else:
        refuse_data_loss(plan)


def test_a_dropped_plan_takes_its_empty_stack_along() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS")
    discard_plan(target_of(stack), planned_on(stack))
    assert stack.calls[-2:] == ["delete_change_set", "delete_stack"]


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_COMPLETE"])
def test_a_stack_that_somebody_deployed_in_the_meantime_is_not_deleted_with_a_dropped_plan(status: str) -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS", status)
    plan = planned_on(stack)
    assert plan.creates_stack
    discard_plan(target_of(stack), plan)
    assert stack.calls[-1] == "delete_change_set"


def test_an_empty_stack_in_which_somebody_elses_plan_waits_is_not_deleted_with_a_dropped_plan() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS")
    stack.plans_of_others = 1
    discard_plan(target_of(stack), planned_on(stack))
    assert stack.calls[-1] == "delete_change_set"


@pytest.mark.parametrize("call", ["create_change_set", "describe_change_set"])
def test_a_plan_that_is_interrupted_while_it_is_computed_leaves_nothing_behind(call: str) -> None:
    def interrupted(**_: Any) -> Any:
        raise KeyboardInterrupt

    stack = FakeStack("REVIEW_IN_PROGRESS")
    setattr(stack, call, interrupted)
    with pytest.raises(KeyboardInterrupt):
        planned_on(stack)
    assert stack.calls[-2:] == ["delete_change_set", "delete_stack"]


@pytest.mark.parametrize(
    ("deployed", "overrides", "expected"),
    [
        ({}, {}, "3.13"),
        ({"PythonVersion": "3.14"}, {}, "3.14"),
        ({"PythonVersion": "3.14"}, {"PythonVersion": "3.13"}, "3.13"),
    ],
)
def test_dependencies_are_built_for_the_python_that_the_stage_has_or_gets(
    deployed: dict[str, str], overrides: dict[str, str], expected: str
) -> None:
    deployment = Deployment(target_of(FakeStack("UPDATE_COMPLETE", deployed=deployed)), overrides)
    assert deployment.platform.python == expected


@pytest.mark.parametrize(
    ("deployed", "overrides"),
    [({}, {"ApiAuthorization": "JWT"}), ({"ApiAuthorization": "JWT"}, {})],
)
def test_tasks_that_submit_are_not_deployed_to_an_api_that_their_worker_cannot_call(
    deployed: dict[str, str], overrides: dict[str, str]
) -> None:
    stack = FakeStack("UPDATE_COMPLETE", deployed=deployed)
    project = Project(Path(), "tasks", submits=True)
    with pytest.raises(FtaskError, match="submits = true to an API with ApiAuthorization=JWT") as refused:
        Deployment(target_of(stack), overrides, project).plan()
    assert refused.value.hint == "Add --param ApiAuthorization=AWS_IAM, or remove submits from ftask.toml."
    assert "create_change_set" not in stack.calls


REFUSAL = "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]."
LEFT_GROUP = {
    "EventType": "VALIDATION_ERROR",
    "LogicalResourceId": "ApiLogGroup",
    "ResourceType": "AWS::Logs::LogGroup",
    "ValidationName": "NAME_CONFLICT_VALIDATION",
    "ValidationFailureMode": "FAIL",
    "ValidationStatusReason": (
        "Resource of type 'AWS::Logs::LogGroup' with identifier '/aws/lambda/ftask-prod-api' already exists."
    ),
}


def test_a_validation_that_fails_names_the_resource_and_what_to_do_before_the_change_set_goes() -> None:
    """Over botocore, which checks each request and answer against the model, in this order."""
    target = Target("prod", region="eu-west-1")
    client = get_session().create_client(
        "cloudformation", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    vars(target)["cloudformation"] = client  # where the cached client would be
    stack_id = "arn:aws:cloudformation:eu-west-1:123456789012:stack/ftask-prod/1"
    change_set = "arn:aws:cloudformation:eu-west-1:123456789012:changeSet/c/1"
    event = {"EventId": "e", "StackId": stack_id, **LEFT_GROUP}
    quota = event | {"ValidationFailureMode": "WARN", "ValidationStatusReason": "near a quota"}
    asked = {"StackName": stack_id, "ChangeSetName": change_set, "Filters": {"FailedEvents": True}}
    in_review = {"StackName": "ftask-prod", "CreationTime": datetime.now(UTC), "StackStatus": "REVIEW_IN_PROGRESS"}
    with Stubber(client) as stub:
        stub.add_client_error("describe_stacks", "ValidationError", "Stack with id ftask-prod does not exist")
        stub.add_response("get_template_summary", {})
        stub.add_response("create_change_set", {"Id": change_set, "StackId": stack_id})
        for _ in range(2):
            stub.add_response("describe_change_set", {"Status": "FAILED", "StatusReason": REFUSAL})
        stub.add_response("describe_events", {"OperationEvents": [event, quota]}, asked)
        stub.add_response("delete_change_set", {})
        stub.add_response("describe_stacks", {"Stacks": [in_review]})
        stub.add_response("list_change_sets", {"Summaries": []})
        stub.add_response("delete_stack", {})
        with pytest.raises(FtaskError) as raised:
            make_plan(target, "{}", CodeLocation("b", "k", "w", "123456789012"), {}, sleep=lambda _: None)
        stub.assert_no_pending_responses()
    assert raised.value.message.splitlines() == [
        f"CloudFormation cannot plan this deployment: {REFUSAL}",
        f"ApiLogGroup (AWS::Logs::LogGroup): {LEFT_GROUP['ValidationStatusReason']}",
    ]
    group = "/aws/lambda/ftask-prod-api"
    assert f"aws logs delete-log-group --log-group-name {group} --region eu-west-1" in str(raised.value.hint)


def test_a_change_set_whose_events_are_denied_fails_for_its_own_reason() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS")
    stack.refusal = REFUSAL
    stack.validation = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeEvents")
    with pytest.raises(FtaskError) as raised:
        planned_on(stack)
    assert raised.value.message == f"CloudFormation cannot plan this deployment: {REFUSAL}"
    assert "AWS denied DescribeEvents" in str(raised.value.hint)
    assert stack.calls[-2:] == ["delete_change_set", "delete_stack"]


def test_the_oldest_supported_sdk_has_the_calls_that_a_deployment_makes() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    boto3 = next(each for each in map(Requirement, project["dependencies"]) if each.name == "boto3")
    # The last versions of botocore whose models lack DescribeEvents, and the BucketNamespace of CreateBucket.
    assert not any(map(boto3.specifier.contains, ("1.40.75", "1.42.65")))


@pytest.mark.parametrize("error", [NameError("Live"), FtaskError("No space in the bucket."), KeyboardInterrupt()])
def test_a_plan_is_dropped_whatever_goes_wrong_before_it_runs(error: BaseException) -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS", changes=[ADDED])
    target, plan = target_of(stack), planned_on(stack)
    with pytest.raises(type(error)), dropped_unless_begun(target, plan):
        raise error
    assert stack.calls[1:] == ["delete_change_set", "delete_stack"]


def test_a_plan_that_aws_refuses_to_run_is_dropped_and_the_refusal_shown() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS", changes=[ADDED])

    def denied(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ExecuteChangeSet")

    vars(stack)["execute_change_set"] = denied
    target, plan = target_of(stack), planned_on(stack)
    # Not when the events are first asked for: what shows them may fail before.
    with pytest.raises(FtaskError, match="ExecuteChangeSet"), dropped_unless_begun(target, plan):
        apply(target, plan)
    assert stack.calls[1:] == ["delete_change_set", "delete_stack"]


def test_what_went_wrong_is_shown_even_if_the_plan_cannot_be_dropped() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS", changes=[ADDED])

    def runs_already(**_: Any) -> Any:
        raise ClientError({"Error": {"Code": "InvalidChangeSetStatus", "Message": "no"}}, "DeleteChangeSet")

    vars(stack)["delete_change_set"] = runs_already
    target, plan = target_of(stack), planned_on(stack)
    with pytest.raises(KeyboardInterrupt), dropped_unless_begun(target, plan):
        raise KeyboardInterrupt
    assert "delete_stack" not in stack.calls


def test_a_plan_to_go_back_has_the_template_and_every_parameter_of_before() -> None:
    change = {"Action": "Modify", "LogicalResourceId": "WorkerFunction", "ResourceType": "AWS::Lambda::Function"}
    stack = FakeStack("UPDATE_COMPLETE", changes=[change], deployed={"CodeKey": "new", "WorkerCodeKey": "new"})
    stack.get_template = lambda **_: {"TemplateBody": "Resources: {}"}  # type: ignore[attr-defined]
    before = {
        "CodeKey": "ftask-prod/a.zip",
        "WorkerCodeKey": "ftask-prod/w.zip",
        "ErrorRate": "0.1",
        "DataOnly": "false",
    }
    new = planned_on(stack)
    assert read_previous(target_of(stack), replace(new, deployed={})) is None
    previous = read_previous(target_of(stack), replace(new, deployed=before))
    assert previous is not None
    plan = plan_return(target_of(stack), previous, sleep=lambda _: None)
    assert stack.requested["TemplateBody"] == "Resources: {}"
    assert {each["ParameterKey"]: each["ParameterValue"] for each in stack.requested["Parameters"]} == before
    assert plan.worker_code_sha256 == "w"
