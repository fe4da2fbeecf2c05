"""The policies that ftask gives: of every command, for every resource of the template, small enough to be attached."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer.main
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from ftask.cli import app
from ftask.cli.policy import select_commands
from ftask.policy.commands import COMMANDS, DEPLOYING
from ftask.policy.deployer import CHANGES, READS, plan_policy, policy
from ftask.policy.resources import Scope, together
from tests.support.iam import actions_of
from tests.support.resources import template

# They ask AWS for nothing.
ELSEWHERE = {
    *("config", "dev", "help", "init", "package", "policy", "run"),
    *("bench compare", "bench cost", "bench report", "bench schema", "bench sweep"),
}
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary-of-a-team"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-1234-1234-123456789012"
SCOPE = Scope("ftask-prod", region="eu-central-1", account="123456789012")
# What the schemas name for properties that the template does not set.
UNUSED = {
    "AWS::ApiGatewayV2::Api": {"s3:getObject"},  # an API from a file
    # No documentation knows these two; tags are written as everything else.
    "AWS::ApiGatewayV2::Stage": {"apigateway:TagResource", "apigateway:UntagResource"},
    "AWS::ApiGatewayV2::Authorizer": {"iam:PassRole"},  # an authorizer that is a function
    "AWS::ApiGatewayV2::Integration": {"iam:PassRole"},  # credentials of an integration
    "AWS::DynamoDB::Table": {
        # replicas
        *("dynamodb:AssociateTableReplica", "dynamodb:CreateTableReplica", "iam:CreateServiceLinkedRole"),
        *("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"),
        *("dynamodb:UpdateItem", "dynamodb:BatchWriteItem"),
        # an import from S3
        *("dynamodb:DescribeImport", "dynamodb:ImportTable", "s3:GetObject", "s3:GetObjectMetadata", "s3:ListBucket"),
        *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams"),
        *("logs:PutLogEvents", "logs:PutRetentionPolicy"),
        # streams to Kinesis
        *("dynamodb:DisableKinesisStreamingDestination", "dynamodb:EnableKinesisStreamingDestination"),
        *("dynamodb:UpdateKinesisStreamingDestination", "kinesis:DescribeStream", "kinesis:PutRecords"),
        # the key is named by its ARN, and a grant ends with the key that it is for
        *("kms:ListAliases", "kms:RevokeGrant"),
        # a policy of the table's, contributor insights
        *("dynamodb:DeleteResourcePolicy", "dynamodb:PutResourcePolicy", "dynamodb:UpdateContributorInsights"),
    },
    "AWS::IAM::Role": {"iam:AttachRolePolicy", "iam:DetachRolePolicy"},  # managed policies
    "AWS::Lambda::Function": {
        *("elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"),  # file systems
        *("lambda:PutFunctionCodeSigningConfig", "lambda:DeleteFunctionCodeSigningConfig"),  # code signing
        "lambda:GetCodeSigningConfig",
        *("lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency"),  # reserved concurrency
        *("lambda:PassCapacityProvider", "lambda:GetFunctionScalingConfig", "lambda:PutFunctionScalingConfig"),
        *("lambda:GetLayerVersion", "lambda:PublishVersion", "lambda:AssociateRuntimeAlias"),
        *("lambda:PutFunctionRecursionConfig", "s3:GetObjectVersion", "ec2:DescribeNetworkInterfaces"),
    },
    "AWS::Logs::LogGroup": {
        *("firehose:TagDeliveryStream", "logs:CreateLogDelivery", "s3:REST.PUT.OBJECT"),  # deliveries elsewhere
        *("logs:DeleteDataProtectionPolicy", "logs:PutDataProtectionPolicy"),
        *("logs:DeleteIndexPolicy", "logs:PutIndexPolicy"),
        *("logs:DeleteResourcePolicy", "logs:PutResourcePolicy"),
        *("logs:PutBearerTokenAuthentication", "logs:PutLogGroupDeletionProtection"),
    },
    "AWS::SNS::Subscription": {"iam:GetRole", "iam:PassRole"},  # to Firehose
    "AWS::SNS::Topic": {
        *("iam:GetRole", "iam:PassRole", "sns:PutDataProtectionPolicy"),
        *("sns:Subscribe", "sns:Unsubscribe"),  # subscriptions are resources of their own
    },
}
# What CloudFormation's documentation names besides the schema: PUT, as for the other parts of an API.
DOCUMENTED = {"AWS::ApiGatewayV2::Stage": {"apigateway:PUT"}}
# Added by the policy where the stage has its own key or runs in a VPC, and only there.
BY_KEY = {
    *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
    *("logs:AssociateKmsKey", "logs:DisassociateKmsKey"),
}
BY_VPC = {"ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"}
BY_PARAMETER = BY_KEY | BY_VPC


def names_of(command: Any, path: str = "") -> Iterator[str]:
    """The commands below `command`, and itself if it does something by itself."""
    for name, each in getattr(command, "commands", {}).items():
        yield from names_of(each, f"{path} {name}".strip())
    if getattr(command, "invoke_without_command", True):
        yield path


def test_every_command_has_its_policy_or_asks_for_nothing() -> None:
    found = {name for name in names_of(typer.main.get_command(app)) if name and not name.startswith("local ")}
    assert found == COMMANDS.keys() | ELSEWHERE


def test_every_type_of_the_template_is_provided_for() -> None:
    types = {str(resource["Type"]) for resource in template()["Resources"].values()}
    assert READS.keys() == CHANGES.keys() == types


@pytest.mark.parametrize("resource_type", sorted(CHANGES))
def test_a_deployer_may_do_what_the_schema_of_a_type_names_and_no_more(resource_type: str) -> None:
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema["handlers"]
    named = {action for kind in ("create", "read", "update", "delete") for action in permissions(handlers, kind)}
    given = {
        action for actions in together(READS[resource_type], CHANGES[resource_type]).values() for action in actions
    }
    if resource_type == "AWS::Lambda::Function":
        given |= {"iam:PassRole"}  # bound to Lambda by a condition, in a statement of its own
    assert given == (named - UNUSED.get(resource_type, set()) - BY_PARAMETER) | DOCUMENTED.get(resource_type, set())


def permissions(handlers: dict[str, Any], kind: str) -> list[str]:
    found: list[str] = handlers.get(kind, {}).get("permissions", [])
    return found


POLICIES = {
    "a deployer": policy(DEPLOYING, SCOPE),
    "a deployer of everything": policy(DEPLOYING, SCOPE, KEY, vpc=True, boundary_arn=BOUNDARY),
    "a planner": plan_policy(SCOPE),
    "an operator": policy(select_commands([]), SCOPE),
    "an operator with a key": policy(select_commands([]), SCOPE, KEY),
    **{command: policy([command], SCOPE) for command in COMMANDS},
}


@pytest.mark.parametrize("whose", POLICIES)
def test_a_policy_is_small_enough_to_be_a_managed_one(whose: str) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    assert len(json.dumps(POLICIES[whose], separators=(",", ":"))) <= 6144


def test_no_policy_gives_more_than_single_actions() -> None:
    for found in POLICIES.values():
        assert not any("*" in action for action in actions_of(found))


# Who makes the bucket of the code archives has to set its policy, and so could give its objects to himself.
FOUND = {
    "a deployer of everything": {"RESOURCE_POLICY_PRIVILEGE_ESCALATION"},
    "an operator with a key": set(),
    "a planner": set(),
}


def test_a_policy_linter_knows_every_action_and_what_it_is_done_to() -> None:
    linter = Path(sys.executable).parent / "parliament"
    for whose, expected in FOUND.items():
        done = subprocess.run(
            [linter, "--json", "--string", json.dumps(POLICIES[whose])],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert {json.loads(line)["issue"] for line in done.stdout.splitlines()} == expected
        assert "Traceback" not in done.stderr


def test_a_deployer_may_have_an_access_log_written() -> None:
    given = actions_of(POLICIES["a deployer"])
    assert {f"logs:{verb}LogDelivery" for verb in ("Create", "Delete", "Get", "Update")} <= given
    assert {"logs:ListLogDeliveries", "logs:PutResourcePolicy"} <= given


def statements_for(action: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for statement in document["Statement"] if action in statement["Action"]]


def test_a_key_and_a_vpc_bring_what_the_schemas_name_for_them_and_nothing_else_does() -> None:
    plain = actions_of(policy(DEPLOYING, SCOPE))
    assert not plain & BY_PARAMETER
    assert actions_of(policy(DEPLOYING, SCOPE, KEY)) - plain == BY_KEY
    assert actions_of(policy(DEPLOYING, SCOPE, vpc=True)) - plain == BY_VPC
    for action in ("logs:AssociateKmsKey", "logs:DisassociateKmsKey"):
        (statement,) = statements_for(action, policy(DEPLOYING, SCOPE, KEY))
        assert statement["Resource"].endswith(":log-group:/aws/*/ftask-prod-*")


@pytest.mark.parametrize("commands", [["pause"], ["resume"], DEPLOYING])
def test_a_mapping_is_changed_only_if_it_feeds_the_stages_worker(commands: Sequence[str]) -> None:
    given = policy(commands, SCOPE)
    worker = "arn:aws:lambda:eu-central-1:123456789012:function:ftask-prod-worker"
    for verb in ("Create", "Delete", "Update"):
        for statement in statements_for(f"lambda:{verb}EventSourceMapping", given):
            assert statement["Condition"] == {"ArnLike": {"lambda:FunctionArn": worker}}
    assert statements_for("lambda:UpdateEventSourceMapping", given)


def test_of_api_gateway_a_deployer_has_apis_and_their_tags() -> None:
    for verb in ("DELETE", "GET", "PATCH", "POST", "PUT"):
        for statement in statements_for(f"apigateway:{verb}", POLICIES["a deployer"]):
            assert statement["Resource"] == [
                f"arn:aws:apigateway:eu-central-1::/{path}" for path in ("apis*", "tags/*")
            ]


def test_with_a_boundary_a_deployer_gives_a_role_no_policy_without_it_and_takes_it_off_none() -> None:
    bound = {"ArnEquals": {"iam:PermissionsBoundary": BOUNDARY}}
    given = policy(DEPLOYING, SCOPE, boundary_arn=BOUNDARY)
    for action in ("iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
        assert [statement.get("Condition") for statement in statements_for(action, given)] == [bound]
        assert [statement.get("Condition") for statement in statements_for(action, POLICIES["a deployer"])] == [None]
    assert not statements_for("iam:DeleteRolePermissionsBoundary", given)
    assert statements_for("iam:DeleteRolePermissionsBoundary", POLICIES["a deployer"])


def test_a_doctor_may_have_drift_detected() -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
    needed = {"DetectStackDrift", "DetectStackResourceDrift", "BatchDescribeTypeConfigurations", "DescribeStacks"}
    assert {f"cloudformation:{call}" for call in needed} <= actions_of(policy(["doctor"], SCOPE))


def test_who_plans_changes_nothing_but_change_sets() -> None:
    changing = {action for action in actions_of(plan_policy(SCOPE)) if not re.search(":(Get|Describe|List)", action)}
    assert changing == {"cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet"}


def test_a_bucket_of_the_teams_own_is_neither_made_nor_deleted() -> None:
    own = Scope("ftask-prod", region="eu-central-1", own_bucket="team-code")
    given = {action for action in actions_of(policy(DEPLOYING, own)) if action.startswith("s3:")}
    assert given == {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:ListBucketVersions", "s3:DeleteObjectVersion"}


def test_words_choose_commands_and_groups() -> None:
    assert select_commands(["dlq", "redrive", "submit"]) == ["dlq redrive", "submit"]
    assert select_commands(["dlq redrive"]) == ["dlq redrive"]
    assert select_commands(["dlq"]) == [name for name in COMMANDS if name.startswith("dlq ")]
    assert set(select_commands([])) == COMMANDS.keys() - set(DEPLOYING)
