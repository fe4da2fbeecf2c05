"""A deployment: its template, its plan, and a failure that says its cause and can be repeated."""

from __future__ import annotations

import pytest

from ftask.deploy import apply, artifacts
from ftask.deploy.apply import DeploymentError
from ftask.deploy.build import build_code
from ftask.deploy.plan import make_plan
from ftask.deploy.platforms import host_platform
from ftask.deploy.template import read_template
from tests.support.cli import Cli
from tests.support.engines import local_target
from tests.support.resources import defaults, unmade_resources

pytestmark = pytest.mark.engine


def test_the_template_can_be_printed(cli_without_engine: Cli) -> None:
    assert cli_without_engine("deploy", "--print-template").out == read_template()


def test_a_dry_run_shows_the_plan_and_leaves_no_trace(own_engine: Cli) -> None:
    plan = own_engine("deploy", "--dry-run", "-o", "json").json
    planned = {change["resource"] for change in plan["changes"]}
    assert planned >= {"Table", "Queue", "WorkerFunction"}
    assert plan["deployed"] is False
    assert "has no stack" in own_engine("info").err
    target = local_target(own_engine)
    assert target.s3.list_buckets()["Buckets"] == []
    # What is planned is what is made, and on an emulator what its parameters switch off.
    assert own_engine("deploy", "--yes").code == 0
    made = target.cloudformation.describe_stack_resources(StackName=target.stack_name)["StackResources"]
    off = unmade_resources(defaults() | {"SavedQueries": "false"})
    assert {resource["LogicalResourceId"] for resource in made} | off == planned


def test_a_failed_deployment_says_its_root_cause_and_can_be_repeated(own_engine: Cli) -> None:
    assert own_engine("local", "up").code == 0
    target = local_target(own_engine)
    template = read_template()
    broken = template.replace(
        "\nOutputs:",
        "\n  Broken:\n    Type: AWS::Logs::ResourcePolicy\n    Properties: {PolicyDocument: '{}'}\n\nOutputs:",
    )
    archives = build_code(None, host_platform(), target.region_name)
    code = artifacts.locate(target, archives)
    assert len(list(artifacts.upload(target, archives, code))) == 2
    with pytest.raises(DeploymentError, match=r"^Broken \(AWS::Logs::ResourcePolicy\): .*PolicyName"):
        list(apply.apply(target, make_plan(target, broken, code, {})))
    assert own_engine("info").code == 1
    assert "ROLLBACK_COMPLETE" in own_engine("info").err
    planned = own_engine("deploy", "--dry-run", "-o", "json").json
    assert planned["repair"] == "delete the empty stack of a first deployment that failed"
    assert "ROLLBACK_COMPLETE" in own_engine("info").err
    assert own_engine("deploy", "--yes").code == 0
    # The same on a stack that works: it stays as it was.
    with pytest.raises(DeploymentError, match=r"^Broken"):
        list(apply.apply(target, make_plan(target, broken, code, {})))
    assert own_engine("submit", "-m", "SUCCESS", "--wait").code == 0
    assert own_engine("deploy", "--yes").code == 0
