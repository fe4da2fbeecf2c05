"""What the account must have for a plan, looked at before the plan is shown."""

from __future__ import annotations

import json
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

import botocore.session
from botocore.stub import Stubber

from ftask.aws.stack import DeployedStack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.deploy.artifacts import CodeLocation
from ftask.deploy.deployment import Deployment
from ftask.doctor.checks import checks
from ftask.doctor.finding import Level
from tests.support.cloudformation import FakeStack, target_of

CHANGE = {"Action": "Modify", "LogicalResourceId": "WorkerSource", "ResourceType": "T"}
AN_EMPTY_ZIP = b"PK\x05\x06" + bytes(18)
KEY = "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012"
# As a new account has it, with two functions' share reserved for another one.
LIMITS = {"AccountLimit": {"ConcurrentExecutions": 12, "UnreservedConcurrentExecutions": 10}}


def stubbed(target: Target, service: str) -> Stubber:
    """The answers of a service, in place of the target's client."""
    client = botocore.session.get_session().create_client(
        cast("Any", service), "eu-west-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    vars(target)["lambda_" if service == "lambda" else service] = client  # where the cached client would be
    stubber = Stubber(client)
    stubber.activate()
    return stubber


def deployment_on(stack: FakeStack, warnings: list[str]) -> Deployment:
    stack.deployed = {**stack.deployed, "CodeBucket": "b", "CodeKey": "k", "WorkerCodeKey": "w"}
    target = target_of(stack)
    vars(target)["s3"] = SimpleNamespace(get_object=lambda **_: {"Body": BytesIO(AN_EMPTY_ZIP)})
    deployment = Deployment(target, {}, warn=warnings.append, sleep=lambda _: None)
    vars(deployment)["template"] = ""
    vars(deployment)["location"] = CodeLocation("b", "ftask-prod/h.zip", "ftask-prod/w.zip", "123456789012")
    return deployment


def test_a_deployment_warns_of_a_worker_that_can_starve_the_api() -> None:
    warnings: list[str] = []
    stack = FakeStack("UPDATE_COMPLETE", changes=[CHANGE], deployed={"WorkerConcurrency": "10"})
    deployment = deployment_on(stack, warnings)
    stubbed(deployment.target, "lambda").add_response("get_account_settings", LIMITS)
    assert deployment.plan().changes
    (warning,) = warnings
    assert "WorkerConcurrency (10) can take all of the 10 functions" in warning


def test_credentials_that_may_not_read_the_limit_deploy_without_the_warning() -> None:
    warnings: list[str] = []
    stack = FakeStack("UPDATE_COMPLETE", changes=[CHANGE], deployed={"WorkerConcurrency": "10"})
    deployment = deployment_on(stack, warnings)
    stubbed(deployment.target, "lambda").add_client_error("get_account_settings", "AccessDeniedException")
    assert deployment.plan().changes
    assert warnings == []


def test_what_the_policy_of_a_new_key_needs_is_printed_once() -> None:
    warnings: list[str] = []
    for deployed in ("", KEY):
        stack = FakeStack("UPDATE_COMPLETE", changes=[CHANGE], deployed={"KmsKeyArn": deployed, "Alarms": "true"})
        deployment = deployment_on(stack, warnings)
        deployment.overrides = {"KmsKeyArn": KEY}
        stubbed(deployment.target, "lambda").add_response("get_account_settings", {})
        assert deployment.plan().changes
    (warning,) = warnings
    printed = json.loads(warning.partition("\n")[2])
    assert [each["Principal"]["Service"] for each in printed] == [
        "logs.eu-west-1.amazonaws.com",
        "cloudwatch.amazonaws.com",
    ]


def test_a_doctor_warns_of_a_worker_that_can_starve_the_api() -> None:
    target = Target("prod", region="eu-west-1")
    stubbed(target, "lambda").add_response("get_account_settings", LIMITS)
    stack = SimpleNamespace(parameters={"WorkerConcurrency": "10"})
    (finding,) = checks(lambda: None)["parameters"](Stage(target, cast("DeployedStack", stack)))
    assert finding.level is Level.WARNING
    assert "ftask deploy --stage prod --param WorkerConcurrency=5" in str(finding.hint)


def test_an_endpoint_without_limits_has_none() -> None:
    target = Target("prod", region="eu-west-1")
    stubbed(target, "lambda").add_response("get_account_settings", {})
    assert target.concurrency_limit() is None
