"""The AWS actions that CloudFormation needs in a deployer's name, for the resources of the template; whole policies.

The actions of a resource type are those that its schema lists for creating, updating and deleting it, without the ones
that only unused properties need.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ftask.policy.commands import (
    ACCESS_LOG,
    ANYTHING,
    API_LOG,
    APPLICATION,
    ARCHIVES,
    BUCKET,
    CLIENT,
    COMMANDS,
    DEAD_LETTERS,
    DEPLOYING,
    FUNCTIONS,
    MAPPING,
    PLAN_ONLY,
    QUEUE,
    SCHEDULE_GROUP,
    SCHEDULES,
    SERVICE_ROLE,
    TABLE,
    WORKER,
    WORKER_LOG,
    Condition,
    Needs,
    Scope,
    allow,
    document,
    needs,
)

_QUEUES = f"{QUEUE} {DEAD_LETTERS}"
_LOG_GROUPS = f"{ACCESS_LOG} {API_LOG} {WORKER_LOG}"
_ROLE = "arn:{partition}:iam::{account}:role/{stack}"
_SCHEDULER_ROLE = f"{_ROLE}-SchedulerRole-*"
_FUNCTION_ROLES = f"{_ROLE}-ApiRole-* {_ROLE}-WorkerRole-*"
_ROLES = f"{_FUNCTION_ROLES} {_SCHEDULER_ROLE}"
_APIS = "arn:{partition}:apigateway:{region}::/apis*"
# The tags of an API have a separate path.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging-iam-policy.html
_API_TAGS = "arn:{partition}:apigateway:{region}::/tags/*"
# One statement for both, because a policy has little room.
_SCHEDULING = f"{SCHEDULE_GROUP} {SCHEDULES}"
_TOPICS = "arn:{partition}:sns:{region}:{account}:{stack}-AlarmTopic-*"
# The first letters of the alarms' logical ids, to be short. They are capitals, and no stage has one in its name.
ALARM_INITIALS = "ADIOSW"
_ALARM = "arn:{partition}:cloudwatch:{region}:{account}:alarm:{stack}"
_ALARMS = " ".join(f"{_ALARM}-{initial}*" for initial in ALARM_INITIALS)
_DASHBOARDS = "arn:{partition}:cloudwatch::{account}:dashboard/{stack}"

# The parts of an API are paths below it, with the same actions.
_API_TYPES = tuple(f"AWS::ApiGatewayV2::{part}" for part in ("Api", "Authorizer", "Integration", "Route", "Stage"))


def _of_each(actions: Mapping[str, Mapping[str, str]]) -> Mapping[str, Needs]:
    return {resource_type: needs(texts) for resource_type, texts in actions.items()}


# The actions that reading a resource needs, by type: what the detection of drift does.
READS: Mapping[str, Needs] = _of_each(
    {
        **{part: {_APIS: "apigateway:GET"} for part in _API_TYPES},
        "AWS::CloudWatch::Alarm": {_ALARMS: "cloudwatch:DescribeAlarms ListTagsForResource"},
        "AWS::CloudWatch::Dashboard": {_DASHBOARDS: "cloudwatch:GetDashboard ListTagsForResource"},
        "AWS::DynamoDB::Table": {
            TABLE: "dynamodb:DescribeContinuousBackups DescribeContributorInsights DescribeKinesisStreamingDestination"
            " DescribeTable DescribeTimeToLive GetResourcePolicy ListTagsOfResource"
        },
        "AWS::IAM::Role": {_ROLES: "iam:GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies"},
        "AWS::Lambda::EventSourceMapping": {MAPPING: "lambda:GetEventSourceMapping ListTags"},
        "AWS::Lambda::Function": {
            FUNCTIONS: "lambda:GetFunction GetFunctionCodeSigningConfig GetFunctionRecursionConfig"
            " GetFunctionScalingConfig GetRuntimeManagementConfig"
        },
        "AWS::Lambda::Permission": {FUNCTIONS: "lambda:GetPolicy"},
        "AWS::Logs::LogGroup": {
            _LOG_GROUPS: "logs:GetDataProtectionPolicy ListTagsForResource",
            ANYTHING: "logs:DescribeIndexPolicies DescribeLogGroups DescribeResourcePolicies",
        },
        "AWS::Logs::QueryDefinition": {ANYTHING: "logs:DescribeQueryDefinitions"},
        "AWS::Scheduler::Schedule": {_SCHEDULING: "scheduler:GetSchedule"},
        "AWS::Scheduler::ScheduleGroup": {_SCHEDULING: "scheduler:GetScheduleGroup ListTagsForResource"},
        "AWS::SNS::Subscription": {ANYTHING: "sns:GetSubscriptionAttributes"},
        "AWS::SNS::Topic": {
            _TOPICS: "sns:GetDataProtectionPolicy GetTopicAttributes ListSubscriptionsByTopic ListTagsForResource"
        },
        "AWS::SNS::TopicPolicy": {},
        "AWS::SQS::Queue": {_QUEUES: "sqs:GetQueueAttributes ListQueueTags"},
        "AWS::SQS::QueuePolicy": {},
    }
)
# The actions that creating, updating and deleting a resource needs in addition, by type.
CHANGES: Mapping[str, Needs] = _of_each(
    {
        **{
            part: {_APIS: "apigateway:DELETE GET PATCH POST PUT", _API_TAGS: "apigateway:DELETE GET POST PUT"}
            for part in _API_TYPES
        },
        "AWS::CloudWatch::Alarm": {_ALARMS: "cloudwatch:DeleteAlarms PutMetricAlarm TagResource UntagResource"},
        "AWS::CloudWatch::Dashboard": {
            _DASHBOARDS: "cloudwatch:DeleteDashboards PutDashboard TagResource UntagResource"
        },
        "AWS::DynamoDB::Table": {
            TABLE: "dynamodb:CreateTable DeleteTable TagResource UntagResource UpdateContinuousBackups UpdateTable"
            " UpdateTimeToLive"
        },
        "AWS::IAM::Role": {
            _ROLES: "iam:CreateRole DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy"
            " PutRolePermissionsBoundary PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole"
            " UpdateRoleDescription"
        },
        "AWS::Lambda::EventSourceMapping": {
            MAPPING: "lambda:DeleteEventSourceMapping TagResource UntagResource UpdateEventSourceMapping",
            ANYTHING: "lambda:CreateEventSourceMapping",
        },
        "AWS::Lambda::Function": {
            FUNCTIONS: "lambda:CreateFunction DeleteFunction PutRuntimeManagementConfig TagResource UntagResource"
            " UpdateFunctionCode UpdateFunctionConfiguration",
            ARCHIVES: "s3:GetObject",
        },
        "AWS::Lambda::Permission": {FUNCTIONS: "lambda:AddPermission RemovePermission"},
        "AWS::Logs::LogGroup": {
            _LOG_GROUPS: "logs:CreateLogGroup DeleteDataProtectionPolicy DeleteLogGroup DeleteRetentionPolicy"
            " PutRetentionPolicy TagResource UntagResource"
        },
        "AWS::Logs::QueryDefinition": {ANYTHING: "logs:DeleteQueryDefinition PutQueryDefinition"},
        "AWS::Scheduler::Schedule": {_SCHEDULING: "scheduler:CreateSchedule DeleteSchedule UpdateSchedule"},
        "AWS::Scheduler::ScheduleGroup": {
            _SCHEDULING: "scheduler:CreateScheduleGroup DeleteSchedule DeleteScheduleGroup TagResource UntagResource"
        },
        "AWS::SNS::Subscription": {_TOPICS: "sns:Subscribe", ANYTHING: "sns:SetSubscriptionAttributes Unsubscribe"},
        "AWS::SNS::Topic": {_TOPICS: "sns:CreateTopic DeleteTopic SetTopicAttributes TagResource UntagResource"},
        "AWS::SNS::TopicPolicy": {_TOPICS: "sns:SetTopicAttributes"},
        "AWS::SQS::Queue": {_QUEUES: "sqs:CreateQueue DeleteQueue GetQueueUrl SetQueueAttributes TagQueue UntagQueue"},
        "AWS::SQS::QueuePolicy": {_QUEUES: "sqs:SetQueueAttributes"},
    }
)

# Not in the schemas: what an access log needs.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
_ACCESS_LOG = needs(
    {
        ANYTHING: "logs:CreateLogDelivery DeleteLogDelivery GetLogDelivery ListLogDeliveries PutResourcePolicy"
        " UpdateLogDelivery"
    }
)
# Not needed with a bucket of the team's, which ftask neither creates nor deletes.
_OF_FTASK_BUCKET = frozenset(
    {
        "s3:CreateBucket",
        "s3:DeleteBucket",
        "s3:PutBucketPolicy",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
    }
)
# With a key of the team's: queues, table and functions decrypt in the caller's name, and only who may use the key may
# create a resource that it encrypts.
_USES_KEY = ("kms:Decrypt", "kms:GenerateDataKey")
_GIVES_KEY = ("kms:CreateGrant", "kms:DescribeKey", "kms:Encrypt", "kms:RevokeGrant", *_USES_KEY)
_FINDS_KEY = needs({ANYTHING: "kms:ListAliases"})
_ENCRYPTS_LOGS = needs({_LOG_GROUPS: "logs:AssociateKmsKey DisassociateKmsKey"})
# With a permissions boundary: a role has it from its creation on, and gets no policy without it. Nobody takes it off.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html#access_policies_boundaries-delegate
_BOUND = ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy")
_UNBINDS = frozenset({"iam:DeleteRolePermissionsBoundary"})
# With a VPC: Lambda checks that the subnets and security groups exist, and waits until its interfaces are gone.
_LOOKS_AT_VPC = needs({ANYTHING: "ec2:DescribeNetworkInterfaces DescribeSecurityGroups DescribeSubnets DescribeVpcs"})


def policy(
    commands: Sequence[str],
    scope: Scope,
    key_arn: str | None = None,
    *,
    vpc: bool = False,
    boundary_arn: str | None = None,
    role_arn: str | None = None,
) -> dict[str, Any]:
    """Return the least policy under which `commands` work: names of `ftask.policy.commands.COMMANDS`, or SERVICE_ROLE.

    APPLICATION alone is for a program that calls the API.

    `key_arn` is the team's key of the stage, `vpc` says whether its functions run in a VPC of the team's, and
    `boundary_arn` is the permissions boundary of its roles. Without a boundary, a deployer may give the roles any
    policy, and so has every permission of the account by way of the functions. With `role_arn` CloudFormation works in
    the name of that service role, and a deployer hands it the role.
    """
    if list(commands) == [APPLICATION]:
        return document(CLIENT, scope)
    needed = needs(*(COMMANDS[command] for command in commands if command != SERVICE_ROLE))
    asks_cloudformation = any(command in DEPLOYING for command in commands)
    deploys = SERVICE_ROLE in commands or (asks_cloudformation and role_arn is None)
    if deploys:
        needed = needs(needed, *READS.values(), *CHANGES.values(), _ACCESS_LOG)
    elif "doctor" in commands:
        # The detection of drift reads every resource in the caller's name.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
        needed = needs(needed, *READS.values())
    if deploys and WORKER in needed:
        # A policy has little room, and who may change a function's code may invoke it as well.
        needed = needs(
            {name: actions for name, actions in needed.items() if name != WORKER}, {FUNCTIONS: needed[WORKER]}
        )
    if not scope.makes_bucket:
        needed = {pattern: actions - _OF_FTASK_BUCKET for pattern, actions in needed.items()}
    further: list[dict[str, Any]] = []
    # A path below an API is deleted by the API's tag too.
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonapigatewaymanagementv2.html
    conditions: dict[str, dict[str, Condition]] = {
        _APIS: {"apigateway:DELETE": {"StringEquals": {"aws:ResourceTag/ftask": scope.stack}}}
    }
    if deploys:
        further.append(_pass_role(scope.arns(_FUNCTION_ROLES), "lambda.amazonaws.com"))
        further.append(_pass_role(scope.arns(_SCHEDULER_ROLE), "scheduler.amazonaws.com"))
    elif asks_cloudformation and role_arn is not None:
        further.append(_pass_role(role_arn, "cloudformation.amazonaws.com"))
    if deploys and boundary_arn is not None:
        needed = {pattern: actions - _UNBINDS for pattern, actions in needed.items()}
        conditions[_ROLES] = {name: {"ArnEquals": {"iam:PermissionsBoundary": boundary_arn}} for name in _BOUND}
    if key_arn is not None:
        further.append(allow(_GIVES_KEY if deploys else _USES_KEY, key_arn))
        needed = needs(needed, _ENCRYPTS_LOGS, _FINDS_KEY) if deploys else needed
    if deploys and vpc:
        needed = needs(needed, _LOOKS_AT_VPC)
    return document(needed, scope, *further, conditions=conditions)


def _pass_role(role: str | list[str], service: str) -> dict[str, Any]:
    return allow(["iam:PassRole"], role, {"StringEquals": {"iam:PassedToService": service}})


def plan_policy(scope: Scope, role_arn: str | None = None) -> dict[str, Any]:
    """Return the least policy under which `ftask deploy --dry-run` works on a deployed stage; it changes nothing."""
    own_bucket = needs({BUCKET: "s3:ListBucket"}) if not scope.makes_bucket else {}
    further = [] if role_arn is None else [_pass_role(role_arn, "cloudformation.amazonaws.com")]
    return document(needs(PLAN_ONLY, own_bucket), scope, *further)
