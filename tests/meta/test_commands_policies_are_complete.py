"""The policies that ftask gives: of every command, for every resource of the template, small enough to be attached."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from ftask.cli import app
from ftask.cli.policy import select_commands
from ftask.policy.commands import COMMANDS, DEPLOYING
from ftask.policy.deployer import CHANGES, READS, policy
from ftask.policy.resources import Scope, together
from tests.support.iam import actions_of
from tests.support.resources import template

# They ask AWS for nothing.
ELSEWHERE = {
    *("config", "dev", "init", "package", "policy", "run"),
    *("bench compare", "bench report", "bench schema", "bench sweep"),
}
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
        # a policy of the table's, contributor insights
        *("dynamodb:DeleteResourcePolicy", "dynamodb:PutResourcePolicy", "dynamodb:UpdateContributorInsights"),
    },
    "AWS::IAM::Policy": {
        *("iam:DeleteGroupPolicy", "iam:GetGroupPolicy", "iam:PutGroupPolicy"),  # groups
        *("iam:DeleteUserPolicy", "iam:GetUserPolicy", "iam:PutUserPolicy"),  # users
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
# Added by the policy where the stage has its own key or runs in a VPC.
BY_PARAMETER = {
    *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
    *("kms:ListAliases", "kms:RevokeGrant", "logs:AssociateKmsKey", "logs:DisassociateKmsKey"),
    *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
}


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
    "a deployer of everything": policy(DEPLOYING, SCOPE, KEY, vpc=True),
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
FOUND = {"a deployer of everything": {"RESOURCE_POLICY_PRIVILEGE_ESCALATION"}, "an operator with a key": set()}


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


def test_a_bucket_of_the_teams_own_is_neither_made_nor_deleted() -> None:
    own = Scope("ftask-prod", region="eu-central-1", own_bucket="team-code")
    given = {action for action in actions_of(policy(DEPLOYING, own)) if action.startswith("s3:")}
    assert given == {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:ListBucketVersions", "s3:DeleteObjectVersion"}


def test_words_choose_commands_and_groups() -> None:
    assert select_commands(["dlq", "redrive", "submit"]) == ["dlq redrive", "submit"]
    assert select_commands(["dlq redrive"]) == ["dlq redrive"]
    assert select_commands(["dlq"]) == [name for name in COMMANDS if name.startswith("dlq ")]
    assert set(select_commands([])) == COMMANDS.keys() - set(DEPLOYING)
