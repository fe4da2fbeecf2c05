"""Removing a stage: nothing is left behind, a protected one stays, its data can be kept."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from ftask.aws.target import Target
from ftask.home.cache import CACHE_DIR_VARIABLE
from tests.support.cli import Cli
from tests.support.engines import boto_session, local_target

pytestmark = pytest.mark.engine


def left_behind(target: Target) -> list[str]:
    """Everything in the account that a stack could have left."""
    apis = boto_session(target).client("apigatewayv2", endpoint_url=target.endpoint_url).get_apis()["Items"]
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
    assert own_engine("local", "up").code == 0
    target = local_target(own_engine)
    assert left_behind(target) == []
    assert own_engine("deploy", "--yes").code == 0
    assert len(left_behind(target)) >= 10
    assert own_engine("submit", "-m", "ERROR", "--wait").code == 3
    done = own_engine("remove", "--yes")
    assert done.code == 0
    assert "Removed ftask-local" in done.out
    assert left_behind(target) == []
    cache = Path(own_engine.environment[CACHE_DIR_VARIABLE]) / "stages"
    known_urls = {path: path.read_text() for path in cache.iterdir()}
    assert known_urls
    gone = own_engine("submit", "-m", "SUCCESS")
    assert gone.code == 1
    assert "has no stack ftask-local" in gone.err
    assert own_engine("deploy", "--yes").code == 0
    # As another shell or machine remembers it.
    for path, text in known_urls.items():
        path.write_text(text)
    task = own_engine("submit", "-m", "SUCCESS", "--wait", "-o", "json").json
    assert task["status"] == "COMPLETED"
    assert {path.read_text() for path in cache.iterdir()}.isdisjoint(known_urls.values())
    assert own_engine("get", task["taskId"], "-o", "json").json["status"] == "COMPLETED"


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
    target = local_target(own_engine)
    assert target.lambda_.list_functions()["Functions"] == []
    assert target.dynamodb.list_tables()["TableNames"] != []
    for words in (["info"], ["submit", "-m", "SUCCESS"]):
        refused = own_engine(*words)
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
