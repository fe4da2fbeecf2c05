from __future__ import annotations

import json

from ftask.deploy.conditions import evaluate_conditions, unmade_resources
from ftask.deploy.template import template_with
from tests.support.cloudformation import FakeStack, planned_on

TEMPLATE = """
Conditions:
  Wanted: !Equals [!Ref Want, "true"]
  # Both.
  Named: !And [!Condition Wanted, !Not [!Equals [!Ref Name, ""]]]

Resources:
  Always:
    Type: A
  Sometimes:
    Type: B
    Condition: Wanted
    Properties:
      Name: !Ref Name
  Seldom:
    Type: C
    Condition: Named
"""
DECLARED = {"Want": "false", "Name": "n", "SavedQueries": "false"}


def test_what_is_made_depends_on_the_conditions() -> None:
    assert evaluate_conditions(TEMPLATE, {"Want": "true", "Name": ""}) == {"Wanted": True, "Named": False}
    assert unmade_resources(TEMPLATE, {"Want": "false", "Name": "n"}) == {"Sometimes", "Seldom"}
    assert unmade_resources(TEMPLATE, {"Want": "true", "Name": ""}) == {"Seldom"}
    assert unmade_resources(TEMPLATE, {"Want": "true", "Name": "n"}) == set()


def test_the_policy_of_the_users_tasks_has_its_condition() -> None:
    template = template_with([{"Condition": {"StringEquals": {"a": "b"}}}])
    assert json.dumps({"Condition": "Serves"})[1:-1] in template
    parameters = dict.fromkeys(("ApiAuthorization", "Alarms", "DeletionProtection", "Tracing", "SavedQueries"), "")
    parameters |= dict.fromkeys(("CorsAllowOrigins", "JwtIssuer", "JwtAudience", "JwtScopes", "AlarmEmail"), "")
    parameters |= dict.fromkeys(
        ("KmsKeyArn", "PermissionsBoundaryArn", "VpcSubnetIds", "HasWorkerSource", "MetricsDashboard"), ""
    )
    assert "TasksPolicy" in unmade_resources(template, parameters | {"DataOnly": "true"})
    assert "TasksPolicy" not in unmade_resources(template, parameters | {"DataOnly": "false"})


def test_a_plan_on_an_emulator_lists_only_what_will_be_made() -> None:
    changes = [
        {"Action": action, "LogicalResourceId": name, "ResourceType": "T"}
        for action, name in (("Add", "Always"), ("Add", "Sometimes"), ("Modify", "Seldom"))
    ]
    emulated = planned_on(
        FakeStack("UPDATE_COMPLETE", changes=changes, deployed=DECLARED), "http://an.emulator", template=TEMPLATE
    )
    assert [change.logical_id for change in emulated.changes] == ["Always"]
    # AWS lists no others, so nothing that it lists is left out.
    on_aws = planned_on(FakeStack("UPDATE_COMPLETE", changes=changes, deployed=DECLARED), template=TEMPLATE)
    assert len(on_aws.changes) == 3


def test_a_plan_of_which_nothing_would_be_made_is_dropped() -> None:
    changes = [{"Action": "Add", "LogicalResourceId": "Seldom", "ResourceType": "T"}]
    stack = FakeStack("UPDATE_COMPLETE", changes=changes, deployed=DECLARED)
    assert planned_on(stack, "http://an.emulator", template=TEMPLATE).changes == ()
    assert stack.calls[-1] == "delete_change_set"
