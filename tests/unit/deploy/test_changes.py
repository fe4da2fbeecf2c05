"""What a change set says of causes and replacements, in the form that CloudFormation documents.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html
"""

from __future__ import annotations

from typing import Any

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.changes import TEMPLATE, Change
from ftask.deploy.plan import Plan, refuse_data_loss
from ftask.render.deploy import plan_table
from tests.support.cloudformation import FakeStack, planned_on
from tests.support.drawing import drawn


def detail(name: str, source: str, entity: str | None = None, recreation: str = "Never", **more: Any) -> Any:
    """A detail of a change; `dynamic` unless it says so."""
    target = {"Attribute": "Properties", "Name": name, "Path": f"/Properties/{name}", "RequiresRecreation": recreation}
    evaluation = "Dynamic" if more.get("dynamic") else "Static"
    causing = {} if entity is None else {"CausingEntity": entity}
    return {"Target": target, "ChangeSource": source, "Evaluation": evaluation} | causing


def modified(name: str, resource_type: str, replacement: str, *details: Any) -> Any:
    return {
        "Action": "Modify",
        "LogicalResourceId": name,
        "ResourceType": resource_type,
        "Replacement": replacement,
        "Details": list(details),
    }


CODE = modified(
    "ApiFunction",
    "AWS::Lambda::Function",
    "False",
    detail("Code", "ParameterReference", "CodeKey"),
    detail("Code", "DirectModification", dynamic=True),
)
PERMISSION = modified(
    "ApiPermission",
    "AWS::Lambda::Permission",
    "Conditional",
    detail("FunctionName", "ResourceReference", "ApiFunction", "Always", dynamic=True),
)
INTEGRATION = modified(
    "ApiIntegration",
    "AWS::ApiGatewayV2::Integration",
    "False",
    detail("IntegrationUri", "ResourceAttribute", "ApiFunction.Arn", dynamic=True),
)
ROUTE = modified(
    "GetRoute",
    "AWS::ApiGatewayV2::Route",
    "Conditional",
    detail("Target", "ResourceReference", "ApiIntegration", "Always", dynamic=True),
)


def plan_of(*changes: Any, **overrides: str) -> Plan:
    deployed = {"WorkerTimeout": "20", "ErrorRate": "0.3"}
    return planned_on(FakeStack("UPDATE_COMPLETE", changes=changes, deployed=deployed), **overrides)


def by_name(plan: Plan) -> dict[str, Change]:
    return {change.logical_id: change for change in plan.changes}


def test_new_code_replaces_nothing_that_refers_to_the_function() -> None:
    changes = by_name(plan_of(CODE, ROUTE, PERMISSION, INTEGRATION))
    assert {name: change.replacement for name, change in changes.items()} == dict.fromkeys(changes, "False")
    assert [name for name, change in changes.items() if change.only_refers] == [
        "GetRoute", "ApiPermission", "ApiIntegration"
    ]  # fmt: skip
    assert changes["ApiFunction"].causes == ("CodeKey",)


def test_what_refers_to_a_replaced_or_a_new_resource_changes_with_it() -> None:
    renamed = modified(
        "ApiFunction",
        "AWS::Lambda::Function",
        "True",
        detail("FunctionName", "DirectModification", recreation="Always"),
    )
    changes = by_name(plan_of(renamed, PERMISSION, INTEGRATION))
    assert changes["ApiPermission"].replacement == "Conditional"
    assert not changes["ApiIntegration"].only_refers
    added = {"Action": "Add", "LogicalResourceId": "ApiFunction", "ResourceType": "AWS::Lambda::Function"}
    assert by_name(plan_of(added, PERMISSION))["ApiPermission"].replacement == "Conditional"


def test_a_replacement_goes_on_along_the_references() -> None:
    moved = modified("ApiIntegration", "T", "True", detail("ApiId", "DirectModification", recreation="Always"))
    assert by_name(plan_of(moved, ROUTE))["GetRoute"].replacement == "Conditional"
    # The function stays, so the permission does, so does what refers to that.
    chain = modified(
        "Last", "T", "Conditional", detail("Id", "ResourceReference", "ApiPermission", "Always", dynamic=True)
    )
    assert by_name(plan_of(CODE, PERMISSION, chain))["Last"].replacement == "False"


@pytest.mark.parametrize(
    "doubtful",
    [
        detail("QueueName", "DirectModification", recreation="Always", dynamic=True),
        detail("QueueName", "ParameterReference", "Name", "Conditionally"),
        # An attribute that changes without a replacement.
        detail("Arn", "ResourceAttribute", "Table.StreamArn", "Always", dynamic=True),
        detail("Arn", "ResourceAttribute", "Table.Arn", "Always"),
    ],
)
def test_what_the_details_leave_open_stays_so_and_is_refused_where_data_is_at_stake(doubtful: Any) -> None:
    plan = plan_of(modified("Queue", "AWS::SQS::Queue", "Conditional", doubtful))
    assert by_name(plan)["Queue"].replacement == "Conditional"
    with pytest.raises(FtaskError, match="replace or remove Queue"):
        refuse_data_loss(plan)
    assert "may be replaced" in drawn(plan_table(plan))


def test_a_conditional_replacement_without_details_is_left_open() -> None:
    assert by_name(plan_of(modified("Queue", "AWS::SQS::Queue", "Conditional")))["Queue"].replacement == "Conditional"


def test_a_property_of_a_parameter_is_no_change_of_the_template_as_well() -> None:
    both = modified(
        "WorkerFunction",
        "AWS::Lambda::Function",
        "False",
        detail("Timeout", "ParameterReference", "WorkerTimeout"),
        detail("Timeout", "DirectModification", dynamic=True),
        detail("Description", "DirectModification"),
    )
    assert by_name(plan_of(both, WorkerTimeout="30"))["WorkerFunction"].causes == ("WorkerTimeout", TEMPLATE)


def test_the_plan_shows_resources_under_the_parameter_that_changes_them() -> None:
    worker = modified(
        "WorkerFunction",
        "AWS::Lambda::Function",
        "False",
        detail("Timeout", "ParameterReference", "WorkerTimeout"),
        detail("Code", "ParameterReference", "WorkerCodeKey"),
        detail("Role", "ResourceAttribute", "WorkerRole.Arn", dynamic=True),
    )
    queue = modified(
        "Queue", "AWS::SQS::Queue", "False", detail("VisibilityTimeout", "ParameterReference", "VisibilityTimeout")
    )
    added = {"Action": "Add", "LogicalResourceId": "Dashboard", "ResourceType": "AWS::CloudWatch::Dashboard"}
    plan = plan_of(worker, queue, CODE, PERMISSION, added, WorkerTimeout="30")
    lines = [" ".join(line.split()) for line in drawn(plan_table(plan), 160).splitlines()]
    assert lines == [
        "resource type change",
        "~ TaskBudgetSeconds parameter (none) → 10",
        "~ VisibilityTimeout parameter (none) → 40",
        "~ Queue AWS::SQS::Queue VisibilityTimeout",
        "~ WorkerTimeout parameter 20 → 30",
        "~ WorkerFunction AWS::Lambda::Function Code, Timeout (also by code of the worker)",
        "code of the API",
        "~ ApiFunction AWS::Lambda::Function Code",
        "new resources",
        "+ Dashboard AWS::CloudWatch::Dashboard",
        "1 resource only refers to changed ones, and stays unchanged: ApiPermission",
    ]
    as_json = {change["resource"]: change for change in plan.json()["changes"]}
    assert as_json["ApiPermission"]["onlyRefers"] is True
    assert as_json["WorkerFunction"]["causes"] == ["WorkerCodeKey", "WorkerTimeout"]
