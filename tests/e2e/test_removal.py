"""Deploying and removing: what comes up, comes down."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from ftask.aws.target import Target
from ftask.deploy import apply, artifacts
from ftask.deploy.apply import DeploymentError
from ftask.deploy.build import build_code
from ftask.deploy.plan import make_plan
from ftask.deploy.platforms import host_platform
from ftask.deploy.template import read_template
from tests.support.cli import Cli

pytestmark = pytest.mark.engine


def left_behind(target: Target) -> list[str]:
    """Everything in the account that a stack could have left."""
    apis = target.session.client("apigatewayv2", endpoint_url=target.endpoint_url).get_apis()["Items"]
    iam = boto3.client(
        "iam",
        target.region_name,
        endpoint_url=target.endpoint_url,
        aws_access_key_id=target.access_key,
        aws_secret_access_key=target.secret_key,
    )
    return [
        *target.sqs.list_queues().get("QueueUrls", []),
        *target.dynamodb.list_tables()["TableNames"],
        *(function["FunctionName"] for function in target.lambda_.list_functions()["Functions"]),
        *(str(source.get("UUID")) for source in target.lambda_.list_event_source_mappings()["EventSourceMappings"]),
        *(str(group.get("logGroupName")) for group in target.logs.describe_log_groups()["logGroups"]),
        *(api["Name"] for api in apis),
        *(role["RoleName"] for role in iam.list_roles()["Roles"] if "ftask" in role["RoleName"]),
        *(str(bucket.get("Name")) for bucket in target.s3.list_buckets()["Buckets"]),
    ]


def test_remove_leaves_nothing_behind(own_engine: Cli) -> None:
    endpoint = own_engine("local", "up", "-o", "json").json["endpointUrl"]
    target = Target.local(endpoint)
    assert left_behind(target) == []
    assert own_engine("deploy", "--yes").code == 0
    assert len(left_behind(target)) >= 10
    assert own_engine("submit", "-m", "ERROR", "--wait").code == 3
    done = own_engine("remove", "--yes")
    assert done.code == 0
    assert "Removed ftask-local" in done.out
    assert left_behind(target) == []
    assert own_engine("deploy", "--yes").code == 0


def test_a_protected_stage_is_not_removed(own_engine: Cli) -> None:
    own_engine("deploy", "--yes", "--param", "DeletionProtection=true")
    refused = own_engine("remove", "--yes")
    assert refused.code == 1
    assert "protected from deletion" in refused.err
    assert own_engine("submit", "-m", "SUCCESS", "--wait").code == 0
    own_engine("deploy", "--yes", "--param", "DeletionProtection=false")
    done = own_engine("remove", "--yes")
    assert done.code == 0
    assert "AWS::DynamoDB::Table" in done.err


def test_a_stage_is_taken_down_to_its_data_and_brought_back_with_it(own_engine: Cli) -> None:
    own_engine("deploy", "--yes", "--param", "DeletionProtection=true")
    failed = own_engine("submit", "-m", "ERROR", "--wait", "-o", "json").json["taskId"]
    own_engine("pause")
    waiting = own_engine("submit", "-m", "SUCCESS", "-o", "json").json["taskId"]
    taken = own_engine("remove", "--keep-data", "--yes", "-o", "json")
    assert taken.code == 0, taken.err
    assert {kept["resource"] for kept in taken.json["kept"]} >= {"Table", "Queue", "DeadLetterQueue"}
    target = Target.local(own_engine("local", "status", "-o", "json").json["endpointUrl"])
    assert target.lambda_.list_functions()["Functions"] == []
    assert target.dynamodb.list_tables()["TableNames"] != []
    refused = own_engine("info")
    assert refused.code == 1
    assert "taken down to its data" in refused.err
    assert "ftask deploy" in refused.err
    again = own_engine("remove", "--keep-data")
    assert again.code == 0
    assert "taken down to its data before" in again.out
    assert own_engine("deploy", "--yes").code == 0
    assert own_engine("watch", waiting).code == 0
    assert [task["taskId"] for task in own_engine("dlq", "ls", "-o", "json").json] == [failed]
    assert own_engine("info", "-o", "json").json["deadLetters"] == 1


def test_a_bucket_of_the_teams_own_is_used_and_stays(own_engine: Cli) -> None:
    refused = own_engine("deploy", "--yes", "--artifact-bucket", "team-code")
    assert refused.code == 1
    assert "Bucket team-code does not exist" in refused.err
    target = Target.local(own_engine("local", "status", "-o", "json").json["endpointUrl"])
    target.s3.create_bucket(Bucket="team-code")
    target.s3.put_object(Bucket="team-code", Key="theirs", Body=b"")
    assert own_engine("deploy", "--yes", "--artifact-bucket", "team-code").code == 0
    assert own_engine("remove", "--yes").code == 0
    assert [entry["Key"] for entry in target.s3.list_objects_v2(Bucket="team-code")["Contents"]] == ["theirs"]
    assert [bucket["Name"] for bucket in target.s3.list_buckets()["Buckets"]] == ["team-code"]


def test_the_template_can_be_printed(cli_without_engine: Cli) -> None:
    assert cli_without_engine("deploy", "--print-template").out == read_template()


def test_bearer_tokens_as_an_option(own_engine: Cli) -> None:
    settings = ("ApiAuthorization=JWT", "JwtIssuer=https://issuer.example", "JwtAudience=ftask")
    assert "JwtIssuer and JwtAudience" in own_engine("deploy", "--yes", "--param", settings[0]).err
    others = ("Tracing=true", "CorsAllowOrigins=https://example.org")
    done = own_engine("deploy", "--yes", *(part for each in (*settings, *others) for part in ("--param", each)))
    assert done.code == 0, done.err
    assert "requires a bearer token" in own_engine("submit", "-m", "SUCCESS").err
    assert "rejected the token in FTASK_TOKEN" in own_engine("submit", "-m", "SUCCESS", FTASK_TOKEN="none").err


def test_the_file_of_a_team_settles_parameters_and_tags_and_flags_go_before_it(own_engine: Cli) -> None:
    (own_engine.folder / "ftask.toml").write_text(
        "[stages.local]\nprotected = true\n"
        '[stages.local.parameters]\nMaxAttempts = 4\nErrorRate = 0.1\n[stages.local.tags]\nteam = "payments"\n'
    )
    plan = own_engine("deploy", "--yes", "--param", "ErrorRate=0.2", "-o", "json").json
    assert (plan["parameters"]["MaxAttempts"], plan["parameters"]["ErrorRate"]) == ("4", "0.2")
    target = Target.local(own_engine("local", "status", "-o", "json").json["endpointUrl"])
    described = target.cloudformation.describe_stacks(StackName=target.stack_name)["Stacks"][0]
    assert described["Tags"] == [{"Key": "team", "Value": "payments"}]
    rows = {row["name"]: row for row in own_engine("config", "-o", "json").json}
    assert rows["parameters.MaxAttempts"]["value"] == 4
    assert rows["parameters.MaxAttempts"]["source"].endswith("ftask.toml")
    assert (rows["stage"]["value"], rows["stage"]["source"]) == ("local", "default")
    own_engine("deploy", "--yes", "--param", "DeletionProtection=false")
    # A protected stage asks for its name, and there is nobody here to give it.
    assert "Cannot ask without a terminal" in own_engine("remove", "--yes").err


def test_a_dry_run_shows_the_plan_and_leaves_no_trace(own_engine: Cli) -> None:
    plan = own_engine("deploy", "--dry-run", "-o", "json").json
    assert {change["resource"] for change in plan["changes"]} >= {"Table", "Queue", "WorkerFunction"}
    assert plan["deployed"] is False
    assert "has no stack" in own_engine("info").err
    target = Target.local(own_engine("local", "status", "-o", "json").json["endpointUrl"])
    assert target.s3.list_buckets()["Buckets"] == []


def test_a_parameter_is_changed_by_a_new_deployment_and_stays(own_engine: Cli) -> None:
    assert own_engine("deploy", "--yes", "--param", "MaxAttempts=3", "--param", "BackoffBaseSeconds=0").code == 0
    assert own_engine("deploy", "--yes", "--param", "ErrorRate=0").code == 0
    task = own_engine("submit", "-m", "ERROR", "--wait", "-o", "json").json
    assert task["attempts"] == task["maxAttempts"] == 3
    assert own_engine("info", "-o", "json").json["parameters"]["ErrorRate"] == "0"


def test_a_failed_deployment_says_its_root_cause_and_can_be_repeated(own_engine: Cli) -> None:
    target = Target.local(own_engine("local", "up", "-o", "json").json["endpointUrl"])
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


def test_the_wheel_deploys_outside_a_checkout(own_engine: Cli, tmp_path: Path) -> None:
    source = Path(__file__).parents[2]
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(wheels), str(source)]
    subprocess.run(build, check=True, timeout=120)
    (wheel,) = wheels.iterdir()
    # The dependencies come from this environment; ftask itself from the wheel, found first.
    folder = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", str(folder), str(wheel)],
        check=True,
        timeout=120,
    )
    from_wheel = {"PYTHONPATH": str(folder)}
    done = own_engine("deploy", "--yes", "-o", "json", **from_wheel)
    assert done.code == 0, done.err
    assert own_engine("submit", "-m", "SUCCESS", "--wait", **from_wheel).code == 0
    # The same archives as from the checkout.
    again = own_engine("deploy", "--yes", "-o", "json").out
    assert re.search(done.json["codeSha256"], again)
    assert re.search(done.json["workerCodeSha256"], again)
