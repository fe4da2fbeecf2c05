"""The policies that ftask gives: of every command, for every resource of the template, small enough to be attached."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from cfnlint.decode.cfn_yaml import loads
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from ftask.cli.policy import MANAGED_POLICY_CHARACTERS, select_commands
from ftask.core.manifest import Options, TaskType, TypeSchedule
from ftask.deploy.template import template_with
from ftask.policy.commands import APPLICATION, COMMANDS, DEPLOYING, SERVICE_ROLE, Scope, needs
from ftask.policy.deployer import ALARM_INITIALS, CHANGES, READS, plan_policy, policy
from tests.support.commands import COMMANDS as ALL_COMMANDS
from tests.support.iam import actions_of, without
from tests.support.resources import resources_of_type, template

# They ask AWS for nothing.
ELSEWHERE = {
    *("config", "dev", "help", "init", "package", "policy", "run"),
    *("bench compare", "bench cost", "bench report", "bench schema", "bench sweep"),
}
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary-of-a-team"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-1234-1234-123456789012"
ROLE = "arn:aws:iam::123456789012:role/cloudformation-of-a-team"
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
    "AWS::IAM::Role": {"iam:AttachRolePolicy", "iam:DetachRolePolicy"},  # managed policies
    "AWS::Lambda::Function": {
        *("elasticfilesystem:DescribeMountTargets", "s3files:ListMountTargets"),  # file systems
        *("lambda:PutFunctionCodeSigningConfig", "lambda:DeleteFunctionCodeSigningConfig"),  # code signing
        "lambda:GetCodeSigningConfig",
        *("lambda:PutFunctionConcurrency", "lambda:DeleteFunctionConcurrency"),  # reserved concurrency
        *("lambda:PassCapacityProvider", "lambda:PutFunctionScalingConfig"),
        *("lambda:GetLayerVersion", "lambda:PublishVersion", "lambda:AssociateRuntimeAlias"),
        *("lambda:PutFunctionRecursionConfig", "s3:GetObjectVersion"),
    },
    "AWS::Logs::LogGroup": {
        *("firehose:TagDeliveryStream", "logs:CreateLogDelivery", "s3:REST.PUT.OBJECT"),  # deliveries elsewhere
        "logs:PutDataProtectionPolicy",
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
    *("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ListAliases"),
    "kms:RevokeGrant",
    *("logs:AssociateKmsKey", "logs:DisassociateKmsKey"),
}
BY_VPC = {f"ec2:Describe{what}" for what in ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")}
BY_PARAMETER = BY_KEY | BY_VPC


def test_every_command_has_its_policy_or_asks_for_nothing() -> None:
    assert {name for name in ALL_COMMANDS if not name.startswith("local ")} == COMMANDS.keys() | ELSEWHERE


def test_every_type_of_the_template_is_provided_for() -> None:
    scheduled = TaskType("report", options=Options(schedule=TypeSchedule(every="1d")))
    resources = loads(template_with((), [scheduled]))["Resources"]
    types = {str(resource["Type"]) for resource in resources.values()}
    assert READS.keys() == CHANGES.keys() == types


@pytest.mark.parametrize("resource_type", sorted(CHANGES))
def test_a_deployer_may_do_what_the_schema_of_a_type_names_and_no_more(resource_type: str) -> None:
    named = permissions(resource_type, "create", "read", "update", "delete")
    given = {action for actions in needs(READS[resource_type], CHANGES[resource_type]).values() for action in actions}
    if resource_type == "AWS::Lambda::Function":
        given |= {"iam:PassRole"}  # bound to Lambda by a condition, in a statement of its own
    if resource_type == "AWS::Scheduler::Schedule":
        given |= {"iam:PassRole"}  # the same, bound to EventBridge Scheduler
    assert given == (named - UNUSED.get(resource_type, set()) - BY_PARAMETER) | DOCUMENTED.get(resource_type, set())


def permissions(resource_type: str, *kinds: str) -> set[str]:
    handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema["handlers"]
    return {action for kind in kinds for action in handlers.get(kind, {}).get("permissions", [])}


def test_what_reading_and_deleting_asks_for_is_given_whatever_the_template_sets() -> None:
    # CloudFormation reads and deletes every part of a resource, there or not. But no API is made from a file, no role
    # has a managed policy.
    for resource_type, unused in UNUSED.items():
        asked = unused & permissions(resource_type, "read", "delete")
        assert asked <= {"s3:getObject", "iam:DetachRolePolicy"}, resource_type


def test_a_deployer_may_give_the_policy_of_own_tasks_to_the_role() -> None:
    named = permissions("AWS::IAM::Policy", "create", "read", "update", "delete")
    assert {action for action in named if action.endswith("RolePolicy")} <= actions_of(policy(DEPLOYING, SCOPE))


POLICIES = {
    "a deployer": policy(DEPLOYING, SCOPE),
    "a deployer of everything": policy(DEPLOYING, SCOPE, KEY, vpc=True, boundary_arn=BOUNDARY),
    "a deployer with a service role": policy(DEPLOYING, SCOPE, KEY, vpc=True, role_arn=ROLE),
    "a service role": policy([SERVICE_ROLE], SCOPE),
    "a planner": plan_policy(SCOPE),
    "an application": policy([APPLICATION], SCOPE),
    "an operator": policy(select_commands([]), SCOPE),
    "an operator with a key": policy(select_commands([]), SCOPE, KEY),
    **{command: policy([command], SCOPE) for command in COMMANDS},
}


@pytest.mark.parametrize("whose", POLICIES)
def test_a_policy_is_small_enough_for_a_role_and_mostly_to_be_a_managed_one(whose: str) -> None:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    inline = whose in {"a deployer", "a deployer of everything", "a service role", *DEPLOYING}
    assert len(json.dumps(POLICIES[whose], separators=(",", ":"))) <= (10_240 if inline else MANAGED_POLICY_CHARACTERS)


def arns_of(whole: dict[str, Any]) -> set[str]:
    listed = (statement["Resource"] for statement in whole["Statement"])
    return {arn for each in listed for arn in ([each] if isinstance(each, str) else each)}


@pytest.mark.parametrize("longer", ["prod-eu", "prod-tasks", "prod-api", "prod-worker", "prod-a"])
@pytest.mark.parametrize("commands", [DEPLOYING, [*COMMANDS]])
def test_the_policy_of_a_stage_covers_nothing_of_a_stage_whose_name_goes_on(
    longer: str, commands: Sequence[str]
) -> None:
    patterns = {arn for arn in arns_of(policy(commands, SCOPE)) if "ftask-prod" in arn}
    others = arns_of(policy(commands, replace(SCOPE, stack=f"ftask-{longer}")))
    named = {arn.replace("*", "1ABCDEFGHIJK").replace("?", "0") for arn in others if f"ftask-{longer}" in arn}
    assert len(patterns) == len(named) > 10
    assert {(arn, pattern) for arn in named for pattern in patterns if fnmatchcase(arn, pattern)} == set()


def test_an_api_is_deleted_only_with_the_tag_of_the_stage_that_the_template_gives_it() -> None:
    assert template()["Resources"]["Api"]["Properties"]["Tags"] == {"ftask": {"Ref": "AWS::StackName"}}
    bound = [
        statement.get("Condition")
        for statement in statements_for("apigateway:DELETE", POLICIES["a deployer"])
        if any("/apis" in arn for arn in arns_of({"Statement": [statement]}))
    ]
    assert bound == [{"StringEquals": {"aws:ResourceTag/ftask": "ftask-prod"}}]


def test_every_alarm_of_the_template_is_named() -> None:
    assert {name[0] for name in resources_of_type("AWS::CloudWatch::Alarm")} == set(ALARM_INITIALS)


def test_who_deploys_by_a_service_role_hands_it_over_and_changes_nothing_itself() -> None:
    caller, role = POLICIES["a deployer with a service role"], policy([SERVICE_ROLE], SCOPE, KEY, vpc=True)
    (passed,) = statements_for("iam:PassRole", caller)
    assert passed["Resource"] == ROLE
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    changes = {
        action for needs in (*READS.values(), *CHANGES.values()) for actions in needs.values() for action in actions
    }
    assert changes <= actions_of(role)
    left = {"lambda:InvokeFunction", "s3:GetObject", "iam:PassRole"}  # to check the worker, to upload
    assert actions_of(caller) & changes <= left
    assert not {action for action in actions_of(role) if action.startswith("cloudformation:")}


def test_no_policy_gives_more_than_single_actions() -> None:
    for found in POLICIES.values():
        assert not any("*" in action for action in actions_of(found))


# Who makes the bucket of the code archives has to set its policy, and so could give its objects to himself.
FOUND = {
    "a deployer of everything": {"RESOURCE_POLICY_PRIVILEGE_ESCALATION"},
    "an operator with a key": set(),
    "a planner": set(),
    "a deployer with a service role": {"RESOURCE_POLICY_PRIVILEGE_ESCALATION"},
    "a service role": set(),
}


NEWER_THAN_THE_LINTER = ("cloudformation:DescribeEvents", "lambda:GetFunctionScalingConfig")


def test_what_the_linter_does_not_know_is_a_call_that_the_sdk_knows() -> None:
    for action in NEWER_THAN_THE_LINTER:
        service, _, name = action.partition(":")
        assert name in get_session().get_service_model(service).operation_names


def test_a_policy_linter_knows_every_action_and_what_it_is_done_to() -> None:
    linter = Path(sys.executable).parent / "parliament"
    for whose, expected in FOUND.items():
        document = POLICIES[whose]
        for action in NEWER_THAN_THE_LINTER:
            document = without(document, action)
        done = subprocess.run(
            [linter, "--json", "--string", json.dumps(document)],
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
        assert all(":log-group:/aws/" in arn for arn in statement["Resource"])


@pytest.mark.parametrize("commands", [["pause"], ["resume"], DEPLOYING])
def test_a_mapping_is_changed_only_if_it_feeds_the_stages_worker(commands: Sequence[str]) -> None:
    given = policy(commands, SCOPE)
    worker = "arn:aws:lambda:eu-central-1:123456789012:function:ftask-prod-worker"
    for verb in ("Create", "Delete", "Update"):
        for statement in statements_for(f"lambda:{verb}EventSourceMapping", given):
            assert statement["Condition"] == {"ArnLike": {"lambda:FunctionArn": worker}}
    assert statements_for("lambda:UpdateEventSourceMapping", given)


def test_of_api_gateway_a_deployer_has_apis_and_their_tags() -> None:
    gateway = "arn:aws:apigateway:eu-central-1::"
    for verb in ("DELETE", "GET", "POST", "PUT"):
        statements = statements_for(f"apigateway:{verb}", POLICIES["a deployer"])
        assert {statement["Resource"] for statement in statements} == {f"{gateway}/apis*", f"{gateway}/tags/*"}


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
    reading = ":(Get|Describe|List|Scan)"
    changing = {action for action in actions_of(plan_policy(SCOPE)) if not re.search(reading, action)}
    assert {action.removeprefix("cloudformation:") for action in changing} == {
        *("CreateChangeSet", "DeleteChangeSet", "TagResource", "UntagResource")
    }


def test_a_bucket_of_the_teams_own_is_neither_made_nor_deleted() -> None:
    own = Scope("ftask-prod", region="eu-central-1", own_bucket="team-code")
    given = {action for action in actions_of(policy(DEPLOYING, own)) if action.startswith("s3:")}
    assert given == {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:ListBucketVersions", "s3:DeleteObjectVersion"}


def test_words_choose_commands_and_groups() -> None:
    assert select_commands(["dlq", "redrive", "submit"]) == ["dlq redrive", "submit"]
    assert select_commands(["dlq redrive"]) == ["dlq redrive"]
    assert select_commands(["dlq"]) == [name for name in COMMANDS if name.startswith("dlq ")]
    assert set(select_commands([])) == COMMANDS.keys() - set(DEPLOYING)
