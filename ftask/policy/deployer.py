"""What CloudFormation asks of AWS in a deployer's name, for the resources of the template; and whole policies.

The actions of each type are those that its schema names for making, changing and deleting it, without what only
properties need that the template does not use.
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ftask.policy.commands import COMMANDS, DEPLOYING
from ftask.policy.resources import ANYTHING, ARCHIVES, MAPPING, TABLE, Needs, Scope, allow, document, needs, together

_QUEUES = "arn:{partition}:sqs:{region}:{account}:{stack}-*"
_FUNCTIONS = "arn:{partition}:lambda:{region}:{account}:function:{stack}-*"
_LOG_GROUPS = "arn:{partition}:logs:{region}:{account}:log-group:/aws/*/{stack}-*"
_ROLES = "arn:{partition}:iam::{account}:role/{stack}-*"
_APIS = "arn:{partition}:apigateway:{region}::/*"
_TOPICS = "arn:{partition}:sns:{region}:{account}:{stack}-*"
_ALARMS = "arn:{partition}:cloudwatch:{region}:{account}:alarm:{stack}-*"
_DASHBOARDS = "arn:{partition}:cloudwatch::{account}:dashboard/{stack}"

# The parts of an API are paths below it, which have the same actions.
_API_TYPES = tuple(f"AWS::ApiGatewayV2::{part}" for part in ("Api", "Authorizer", "Integration", "Route", "Stage"))

# By type: what looking at a resource takes, as finding drift does.
READS: Mapping[str, Needs] = {
    **dict.fromkeys(_API_TYPES, needs({_APIS: "apigateway:GET"})),
    "AWS::CloudWatch::Alarm": needs({_ALARMS: "cloudwatch:DescribeAlarms cloudwatch:ListTagsForResource"}),
    "AWS::CloudWatch::Dashboard": needs({_DASHBOARDS: "cloudwatch:GetDashboard cloudwatch:ListTagsForResource"}),
    "AWS::DynamoDB::Table": needs(
        {
            TABLE: "dynamodb:DescribeContinuousBackups dynamodb:DescribeContributorInsights"
            " dynamodb:DescribeKinesisStreamingDestination dynamodb:DescribeTable dynamodb:DescribeTimeToLive"
            " dynamodb:GetResourcePolicy dynamodb:ListTagsOfResource"
        }
    ),
    "AWS::IAM::Policy": needs({_ROLES: "iam:GetRolePolicy"}),
    "AWS::IAM::Role": needs(
        {_ROLES: "iam:GetRole iam:GetRolePolicy iam:ListAttachedRolePolicies iam:ListRolePolicies"}
    ),
    "AWS::Lambda::EventSourceMapping": needs({MAPPING: "lambda:GetEventSourceMapping lambda:ListTags"}),
    "AWS::Lambda::Function": needs(
        {
            _FUNCTIONS: "lambda:GetFunction lambda:GetFunctionCodeSigningConfig lambda:GetFunctionRecursionConfig"
            " lambda:GetRuntimeManagementConfig"
        }
    ),
    "AWS::Lambda::Permission": needs({_FUNCTIONS: "lambda:GetPolicy"}),
    "AWS::Logs::LogGroup": needs(
        {
            _LOG_GROUPS: "logs:GetDataProtectionPolicy logs:ListTagsForResource",
            ANYTHING: "logs:DescribeIndexPolicies logs:DescribeLogGroups logs:DescribeResourcePolicies",
        }
    ),
    "AWS::Logs::QueryDefinition": needs({ANYTHING: "logs:DescribeQueryDefinitions"}),
    "AWS::SNS::Subscription": needs({ANYTHING: "sns:GetSubscriptionAttributes"}),
    "AWS::SNS::Topic": needs(
        {
            _TOPICS: "sns:GetDataProtectionPolicy sns:GetTopicAttributes sns:ListSubscriptionsByTopic"
            " sns:ListTagsForResource"
        }
    ),
    "AWS::SNS::TopicPolicy": {},
    "AWS::SQS::Queue": needs({_QUEUES: "sqs:GetQueueAttributes sqs:ListQueueTags"}),
    "AWS::SQS::QueuePolicy": {},
}
# By type: what making, changing and deleting a resource takes besides.
CHANGES: Mapping[str, Needs] = {
    **dict.fromkeys(
        _API_TYPES,
        needs({_APIS: "apigateway:DELETE apigateway:GET apigateway:PATCH apigateway:POST apigateway:PUT"}),
    ),
    "AWS::CloudWatch::Alarm": needs(
        {_ALARMS: "cloudwatch:DeleteAlarms cloudwatch:PutMetricAlarm cloudwatch:TagResource cloudwatch:UntagResource"}
    ),
    "AWS::CloudWatch::Dashboard": needs(
        {
            _DASHBOARDS: "cloudwatch:DeleteDashboards cloudwatch:PutDashboard cloudwatch:TagResource"
            " cloudwatch:UntagResource"
        }
    ),
    "AWS::DynamoDB::Table": needs(
        {
            TABLE: "dynamodb:CreateTable dynamodb:DeleteTable dynamodb:TagResource dynamodb:UntagResource"
            " dynamodb:UpdateContinuousBackups dynamodb:UpdateTable dynamodb:UpdateTimeToLive"
        }
    ),
    "AWS::IAM::Policy": needs({_ROLES: "iam:DeleteRolePolicy iam:PutRolePolicy"}),
    "AWS::IAM::Role": needs(
        {
            _ROLES: "iam:CreateRole iam:DeleteRole iam:DeleteRolePermissionsBoundary iam:DeleteRolePolicy"
            " iam:PutRolePermissionsBoundary iam:PutRolePolicy iam:TagRole iam:UntagRole iam:UpdateAssumeRolePolicy"
            " iam:UpdateRole iam:UpdateRoleDescription"
        }
    ),
    "AWS::Lambda::EventSourceMapping": needs(
        {
            MAPPING: "lambda:DeleteEventSourceMapping lambda:TagResource lambda:UntagResource"
            " lambda:UpdateEventSourceMapping",
            ANYTHING: "lambda:CreateEventSourceMapping",
        }
    ),
    "AWS::Lambda::Function": needs(
        {
            _FUNCTIONS: "lambda:CreateFunction lambda:DeleteFunction lambda:PutRuntimeManagementConfig"
            " lambda:TagResource lambda:UntagResource lambda:UpdateFunctionCode lambda:UpdateFunctionConfiguration",
            ARCHIVES: "s3:GetObject",
        }
    ),
    "AWS::Lambda::Permission": needs({_FUNCTIONS: "lambda:AddPermission lambda:RemovePermission"}),
    "AWS::Logs::LogGroup": needs(
        {
            _LOG_GROUPS: "logs:CreateLogGroup logs:DeleteLogGroup logs:DeleteRetentionPolicy logs:PutRetentionPolicy"
            " logs:TagResource logs:UntagResource"
        }
    ),
    "AWS::Logs::QueryDefinition": needs({ANYTHING: "logs:DeleteQueryDefinition logs:PutQueryDefinition"}),
    "AWS::SNS::Subscription": needs(
        {_TOPICS: "sns:Subscribe", ANYTHING: "sns:SetSubscriptionAttributes sns:Unsubscribe"}
    ),
    "AWS::SNS::Topic": needs(
        {_TOPICS: "sns:CreateTopic sns:DeleteTopic sns:SetTopicAttributes sns:TagResource sns:UntagResource"}
    ),
    "AWS::SNS::TopicPolicy": needs({_TOPICS: "sns:SetTopicAttributes"}),
    "AWS::SQS::Queue": needs(
        {_QUEUES: "sqs:CreateQueue sqs:DeleteQueue sqs:GetQueueUrl sqs:SetQueueAttributes sqs:TagQueue sqs:UntagQueue"}
    ),
    "AWS::SQS::QueuePolicy": needs({_QUEUES: "sqs:SetQueueAttributes"}),
}

# Beside the schemas: what writing an access log takes.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
_ACCESS_LOG = needs(
    {
        ANYTHING: "logs:CreateLogDelivery logs:DeleteLogDelivery logs:GetLogDelivery logs:ListLogDeliveries"
        " logs:PutResourcePolicy logs:UpdateLogDelivery"
    }
)
# With a bucket of the team's, which is neither made nor deleted.
_OF_OWN_BUCKETS = frozenset(
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
# With a key of the team's: queues, table and functions decrypt in the name of who calls them, and a resource that is
# encrypted under it is made by who may use it.
_USES_KEY = ("kms:Decrypt", "kms:GenerateDataKey")
_GIVES_KEY = ("kms:CreateGrant", "kms:DescribeKey", "kms:Encrypt", *_USES_KEY)
# With a VPC: Lambda looks whether the subnets and groups exist.
_LOOKS_AT_VPC = ("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs")


def policy(commands: Sequence[str], scope: Scope, key_arn: str | None = None, *, vpc: bool = False) -> dict[str, Any]:
    """The least policy under which `commands` work: names of `ftask.policy.commands.COMMANDS`.

    `key_arn` is the stage's own key, and `vpc` says whether its functions run in a network of the team's.
    """
    wanted = together(*(COMMANDS[command] for command in commands))
    deploys = any(command in DEPLOYING for command in commands)
    if deploys:
        wanted = together(wanted, *READS.values(), *CHANGES.values(), _ACCESS_LOG)
    elif "doctor" in commands:
        # Drift is found by looking at every resource in the caller's name.
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
        wanted = together(wanted, *READS.values())
    if scope.own_bucket is not None:
        wanted = {pattern: actions - _OF_OWN_BUCKETS for pattern, actions in wanted.items()}
    further: list[dict[str, Any]] = []
    if deploys:
        to_lambda = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
        further.append(allow(["iam:PassRole"], scope.arn(_ROLES)) | {"Condition": to_lambda})
    if key_arn is not None:
        further.append(allow(_GIVES_KEY if deploys else _USES_KEY, key_arn))
    if deploys and vpc:
        further.append(allow(_LOOKS_AT_VPC, ANYTHING))
    return document(wanted, scope, *further)
