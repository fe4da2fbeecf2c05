from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from ftask.aws.target import Target
from ftask.cli.policy import print_policy
from ftask.render.screen import Screen
from tests.support.cloudformation import FakeStack, target_of

KEY = "arn:aws:kms:eu-west-1:123456789012:key/k"


def printed(
    capsys: pytest.CaptureFixture[str], target: Target, *commands: str, **parameters: str
) -> tuple[Any, list[str]]:
    """The policy, and the notes beside it."""
    notes: list[str] = []
    run: Any = SimpleNamespace(
        stage_name="prod",
        settings=SimpleNamespace(uses_engine=False, region=SimpleNamespace(value="eu-west-1")),
        target=target,
        screen=SimpleNamespace(note=notes.append, document=Screen().document),
    )
    print_policy(run, commands, parameters, None)
    return json.loads(capsys.readouterr().out), notes


def target_in_account(stack: FakeStack) -> Target:
    target = target_of(stack)
    sts = botocore.session.get_session().create_client(
        "sts", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    stubber = Stubber(sts)
    stubber.add_response("get_caller_identity", {"Account": "123456789012"})
    stubber.activate()
    vars(target)["sts"] = sts  # where the cached client would be
    return target


def test_a_policy_has_the_account_and_the_key_of_the_deployed_stage(capsys: pytest.CaptureFixture[str]) -> None:
    target = target_in_account(FakeStack("UPDATE_COMPLETE", deployed={"KmsKeyArn": KEY}))
    document, notes = printed(capsys, target, "dlq drain")
    resources = [statement["Resource"] for statement in document["Statement"]]
    assert KEY in resources
    assert all(":123456789012:" in resource for resource in resources)
    assert notes == []


def test_a_parameter_that_the_stage_is_to_have_goes_before_the_deployed_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    target = target_in_account(FakeStack("UPDATE_COMPLETE", deployed={"KmsKeyArn": "arn:old"}))
    document, _ = printed(capsys, target, "dlq drain", KmsKeyArn=KEY)
    assert KEY in [statement["Resource"] for statement in document["Statement"]]


def test_without_credentials_a_policy_is_for_every_account_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    document, notes = printed(capsys, Target("prod", region="eu-west-1"), "cancel")
    assert "arn:aws:dynamodb:eu-west-1:*:table/ftask-prod-Table-*" in [
        statement["Resource"] for statement in document["Statement"]
    ]
    assert notes == ["The policy is for every account. No AWS credentials were found for stage 'prod'."]


def test_an_application_needs_the_calls_of_its_stage_s_api_alone(capsys: pytest.CaptureFixture[str]) -> None:
    stack = FakeStack("UPDATE_COMPLETE", deployed={"KmsKeyArn": KEY})
    stack.outputs["ApiId"] = "abc123"
    document, _ = printed(capsys, target_in_account(stack), "app")
    (statement,) = document["Statement"]
    assert statement["Action"] == ["execute-api:Invoke"]
    assert {resource.split(":", 5)[5] for resource in statement["Resource"]} == {
        f"abc123/v1/{route}"
        for route in ("POST/tasks", "POST/tasks/batch", "POST/tasks/query", "GET/tasks", "GET/tasks/*")
    }
