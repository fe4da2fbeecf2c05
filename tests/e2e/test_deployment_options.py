"""What a deployment is given: a bucket, bearer tokens, the file of a team, parameters that stay."""

from __future__ import annotations

import base64

import pytest

from tests.support.cli import Cli
from tests.support.engines import boto_session, local_target

pytestmark = pytest.mark.engine


def test_a_bucket_of_the_teams_own_is_used_and_stays(own_engine: Cli) -> None:
    refused = own_engine("deploy", "--yes", "--artifact-bucket", "team-code")
    assert refused.code == 1
    assert "Bucket team-code does not exist" in refused.err
    target = local_target(own_engine)
    target.s3.create_bucket(Bucket="team-code")
    target.s3.put_object(Bucket="team-code", Key="theirs", Body=b"")
    assert own_engine("deploy", "--yes", "--artifact-bucket", "team-code").code == 0
    assert own_engine("remove", "--yes").code == 0
    assert [entry["Key"] for entry in target.s3.list_objects_v2(Bucket="team-code")["Contents"]] == ["theirs"]
    assert [bucket["Name"] for bucket in target.s3.list_buckets()["Buckets"]] == ["team-code"]


def test_bearer_tokens_as_an_option(own_engine: Cli) -> None:
    settings = ("ApiAuthorization=JWT", "JwtIssuer=https://issuer.example", "JwtAudience=ftask")
    assert "JwtIssuer is empty" in own_engine("deploy", "--yes", "--param", settings[0]).err
    without_audience = ("--param", settings[0], "--param", settings[1])
    assert "JwtAudience is empty" in own_engine("deploy", "--yes", *without_audience).err
    others = (
        "Tracing=true",
        "JwtScopes=tasks.read, tasks.write",
        "CorsAllowOrigins=https://a.example, https://b.example",
    )
    done = own_engine("deploy", "--yes", *(part for setting in (*settings, *others) for part in ("--param", setting)))
    assert done.code == 0, done.err
    assert "requires a bearer token" in own_engine("submit", "-m", "SUCCESS").err
    assert "is not a JSON Web Token" in own_engine("submit", "-m", "SUCCESS", FTASK_TOKEN="none").err
    claims = base64.urlsafe_b64encode(b'{"iss": "https://issuer.example", "aud": "ftask"}').decode()
    forged = own_engine("submit", "-m", "SUCCESS", FTASK_TOKEN=f"e30.{claims}.c2ln")
    assert "rejected the token in FTASK_TOKEN" in forged.err
    target = local_target(own_engine)
    gateway = boto_session(target).client("apigatewayv2", endpoint_url=target.endpoint_url)
    (api,) = gateway.get_apis()["Items"]
    for route in gateway.get_routes(ApiId=api["ApiId"])["Items"]:
        assert route["AuthorizationScopes"] == ["tasks.read", "tasks.write"]
    assert own_engine("deploy", "--yes", "--param", "ApiAuthorization=AWS_IAM").code == 0
    assert own_engine("submit", "-m", "SUCCESS").code == 0


def test_the_file_of_a_team_settles_parameters_and_tags_and_flags_go_before_it(own_engine: Cli) -> None:
    (own_engine.folder / "ftask.toml").write_text(
        "[stages.local]\nprotected = true\n"
        '[stages.local.parameters]\nMaxAttempts = 4\nErrorRate = 0.1\n[stages.local.tags]\nteam = "payments"\n'
    )
    plan = own_engine("deploy", "--yes", "--param", "ErrorRate=0.2", "-o", "json").json
    assert (plan["parameters"]["MaxAttempts"], plan["parameters"]["ErrorRate"]) == ("4", "0.2")
    target = local_target(own_engine)
    described = target.cloudformation.describe_stacks(StackName=target.stack_name)["Stacks"][0]
    assert described["Tags"] == [{"Key": "team", "Value": "payments"}]
    rows = {row["name"]: row for row in own_engine("config", "-o", "json").json}
    assert rows["parameters.MaxAttempts"]["value"] == 4
    assert rows["parameters.MaxAttempts"]["source"].endswith("ftask.toml")
    assert (rows["stage"]["value"], rows["stage"]["source"]) == ("local", "default")
    own_engine("deploy", "--yes", "--param", "DeletionProtection=false")
    # A protected stage asks for its name, and there is nobody here to give it: without the file too.
    assert described["EnableTerminationProtection"]
    assert "Cannot ask without a terminal" in own_engine("remove", "--yes").err
    (own_engine.folder / "ftask.toml").unlink()
    assert "Cannot ask without a terminal" in own_engine("remove", "--yes").err


def test_a_parameter_is_changed_by_a_new_deployment_and_stays(own_engine: Cli) -> None:
    assert own_engine("deploy", "--yes", "--param", "MaxAttempts=3", "--param", "BackoffBaseSeconds=0").code == 0
    assert own_engine("deploy", "--yes", "--param", "ErrorRate=0").code == 0
    task = own_engine("submit", "-m", "ERROR", "--wait", "-o", "json").json
    assert task["attempts"] == task["maxAttempts"] == 3
    assert own_engine("info", "-o", "json").json["parameters"]["ErrorRate"] == "0"
