from __future__ import annotations

from ftask.deploy.changes import Change, Count, PropertyChange, TypeChanges
from ftask.deploy.plan import Plan
from ftask.render import deploy
from tests.support.drawing import drawn


def test_a_plan_shows_what_becomes_of_parameters_resources_and_properties() -> None:
    plan = Plan(
        "ftask-prod",
        "id",
        "set",
        creates_stack=False,
        changes=(
            Change(
                "Modify",
                "WorkerFunction",
                "AWS::Lambda::Function",
                "False",
                (
                    PropertyChange("Timeout", "20", "30"),
                    PropertyChange("Tags"),
                    PropertyChange("Role", "x" * 900, ""),
                ),
            ),
            Change("Modify", "Queue", "AWS::SQS::Queue", "True", (PropertyChange("QueueName", "a", None),)),
            Change("Add", "Dashboard", "AWS::CloudWatch::Dashboard", None, ()),
        ),
        parameters={"WorkerTimeout": "30", "ErrorRate": "0.3", "New": "1"},
        deployed={"WorkerTimeout": "20", "ErrorRate": "0.3"},
        api_code_sha256="h",
        worker_code_sha256="w",
        types=TypeChanges(("new",), {"old": Count(2), "older": Count(0), "large": Count(9, is_all=False)}, ("greet",)),
    )
    lines = [" ".join(line.split()) for line in drawn(deploy.plan_table(plan), 200).splitlines()]
    assert lines == [
        "resource type change",
        "- old task type removed, 2 unfinished tasks",
        "- older task type removed",
        "- large task type removed, at least 9 unfinished tasks",
        "+ new task type added",
        "~ greet task type other arguments or options",
        "~ New parameter (none) → 1",
        "~ WorkerTimeout parameter 20 → 30",
        "other changes",
        f"~ WorkerFunction AWS::Lambda::Function Timeout: 20 → 30, Tags, Role: {'x' * 77}… → (empty)",
        "~ Queue AWS::SQS::Queue replaced: QueueName: a → (none)",
        "new resources",
        "+ Dashboard AWS::CloudWatch::Dashboard",
    ]
    assert plan.json()["changes"][0]["properties"][0] == {"name": "Timeout", "before": "20", "after": "30"}
