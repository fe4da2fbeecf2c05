"""The bucket of code archives, in moto's S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from moto import mock_aws

from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.deploy import artifacts
from ftask.deploy.archive import Content, bytes_entry
from ftask.deploy.build import Code, CodeArchive

ACCOUNT = "123456789012"
REGION = "eu-west-1"
USUAL = f"ftask-artifacts-{ACCOUNT}-{REGION}"


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    with mock_aws():
        target = Target("prod", region=REGION)
        # moto enforces a bucket's policy without its conditions, and so would deny everything from here on.
        events(target).register(
            "before-call.s3.PutBucketPolicy", lambda **_: (AWSResponse("", 200, cast("Any", {}), None), {})
        )
        yield target


def code() -> Code:
    api, worker = (CodeArchive(Content.of([bytes_entry(f"{name}.py", name.encode())])) for name in ("api", "worker"))
    return Code(api, worker)


def uploaded(target: Target, own_bucket: str | None = None) -> artifacts.CodeLocation:
    location = artifacts.locate(target, code(), own_bucket)
    assert len(list(artifacts.upload(target, code(), location))) == 2
    return location


def events(target: Target) -> Any:
    return cast("Any", target.s3).meta.events


def protection(target: Target, bucket: str) -> tuple[str, str]:
    (rule,) = target.s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return target.s3.get_bucket_versioning(Bucket=bucket).get("Status", "none"), rule["ID"]


def asked(target: Target, operation: str) -> list[dict[str, Any]]:
    """The parameters of these calls from now on."""
    calls: list[dict[str, Any]] = []
    events(target).register(f"provide-client-params.s3.{operation}", lambda params, **_: calls.append(dict(params)))
    return calls


def die_once(target: Target, operation: str) -> None:
    """The process dies before this call, the first time."""
    left = [KeyboardInterrupt()]

    def die(**_: Any) -> None:
        if left:
            raise left.pop()

    events(target).register(f"before-parameter-build.s3.{operation}", die)


@pytest.mark.parametrize(
    "operation", ["PutBucketVersioning", "PutBucketLifecycleConfiguration", "PutBucketPolicy", "PutObject"]
)
def test_an_interrupted_first_deployment_is_completed_by_the_next(target: Target, operation: str) -> None:
    die_once(target, operation)
    with pytest.raises(KeyboardInterrupt):
        uploaded(target)
    policies = asked(target, "PutBucketPolicy")
    assert uploaded(target).bucket == USUAL
    assert protection(target, USUAL) == ("Enabled", "old-versions")
    (policy,) = policies
    assert json.loads(policy["Policy"])["Statement"][0]["Sid"] == "TlsOnly"


def test_what_somebody_changed_about_a_bucket_in_use_stays(target: Target) -> None:
    uploaded(target)
    target.s3.delete_bucket_lifecycle(Bucket=USUAL)
    uploaded(target)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        target.s3.get_bucket_lifecycle_configuration(Bucket=USUAL)


def test_a_name_of_the_accounts_regional_namespace_is_made_in_it_and_deleted_with_its_last_stage(
    target: Target,
) -> None:
    made = asked(target, "CreateBucket")
    bucket = uploaded(target, f"{USUAL}-an").bucket
    assert [each.get("BucketNamespace") for each in made] == ["account-regional"]
    assert protection(target, bucket)[0] == "Enabled"
    artifacts.discard(target, bucket)
    assert target.s3.list_buckets()["Buckets"] == []


def test_a_bucket_of_the_teams_has_to_exist_and_stays(target: Target) -> None:
    with pytest.raises(FtaskError, match="Bucket team-code does not exist"):
        uploaded(target, "team-code")
    target.s3.create_bucket(Bucket="team-code", CreateBucketConfiguration={"LocationConstraint": cast("Any", REGION)})
    uploaded(target, "team-code")
    artifacts.discard(target, "team-code")
    assert [each["Name"] for each in target.s3.list_buckets()["Buckets"]] == ["team-code"]
