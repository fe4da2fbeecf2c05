"""The AWS actions that each command needs: with all of them it works, without any one of them it does not.

An action is named as IAM names it, which is not always the name of the call: a batch of messages needs the action of
a single one, and `HeadBucket` needs `s3:ListBucket`.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ftask.policy.resources import (
    ANYTHING,
    API_LOG,
    ARCHIVES,
    BATCHES,
    BUCKET,
    CLIENT_ROUTES,
    DEAD_LETTERS,
    DOCUMENT,
    FAILED_INDEX,
    FUNCTIONS,
    MAPPING,
    QUEUE,
    READING,
    STACK,
    SUBMISSION,
    TABLE,
    WORKER,
    WORKER_LOG,
    Needs,
    Part,
    needs,
)

_OUTPUTS = {STACK: "cloudformation:DescribeStacks"}
# The deployed types say which schedules there are.
_SCHEDULES = {DOCUMENT: "execute-api:Invoke"}
_SUBMITTING = {SUBMISSION: "execute-api:Invoke", BATCHES: "execute-api:Invoke"}
_LOGS = {API_LOG: "logs:FilterLogEvents", WORKER_LOG: "logs:FilterLogEvents"}
_COUNTS = {QUEUE: "sqs:GetQueueAttributes", DEAD_LETTERS: "sqs:GetQueueAttributes"}
_CONSUMPTION = {MAPPING: "lambda:GetEventSourceMapping"}
# Asks the worker whether it can run tasks, which is no task itself.
_CHECK = {WORKER: "lambda:InvokeFunction"}
# Without the last two, a command that waits cannot say that the stage is paused, or that its worker cannot run tasks.
_FOLLOWING = needs({TABLE: "dynamodb:BatchGetItem"}, _CONSUMPTION, _CHECK)
_METRICS = {ANYTHING: "cloudwatch:GetMetricStatistics"}
_SWITCH = {MAPPING: "lambda:GetEventSourceMapping UpdateEventSourceMapping"}
_PLANNING = needs(
    _OUTPUTS,
    {
        STACK: "cloudformation:CreateChangeSet cloudformation:DescribeChangeSet cloudformation:DescribeEvents"
        # A change set carries the stage's tags, and each change of them.
        " cloudformation:TagResource cloudformation:UntagResource"
    },
)
# `ftask deploy --dry-run` on a deployed stage. It may not delete a stack, so it cannot drop the plan of a first one.
PLAN_ONLY = needs(
    _PLANNING,
    {
        STACK: "cloudformation:DeleteChangeSet",
        # The task types that the stage has, and the unfinished tasks of those that go.
        ARCHIVES: "s3:GetObject",
        TABLE: "dynamodb:Scan",
        ANYTHING: "cloudformation:GetTemplateSummary lambda:GetAccountSettings",
    },
)
_RUNNING = {STACK: "cloudformation:DescribeStackEvents ExecuteChangeSet"}

_PARTS: Mapping[str, Sequence[Part]] = {
    "info": [_COUNTS, _CONSUMPTION, _METRICS, _CHECK],
    "open": [{DOCUMENT: "execute-api:Invoke"}],
    "submit": [_SUBMITTING, _FOLLOWING],
    "types": [{DOCUMENT: "execute-api:Invoke"}],
    "get": [{READING: "execute-api:Invoke", WORKER_LOG: "logs:FilterLogEvents"}],
    "watch": [_FOLLOWING],
    "ls": [{TABLE: "dynamodb:BatchGetItem Scan", FAILED_INDEX: "dynamodb:Query"}],
    "cancel": [{TABLE: "dynamodb:BatchGetItem GetItem Scan UpdateItem"}],
    "reschedule": [{TABLE: "dynamodb:GetItem UpdateItem", QUEUE: "sqs:SendMessage"}],
    "schedule ls": [_SCHEDULES, {TABLE: "dynamodb:BatchGetItem GetItem"}],
    "schedule run": [_SCHEDULES, {SUBMISSION: "execute-api:Invoke"}],
    "schedule pause": [_SCHEDULES, {TABLE: "dynamodb:UpdateItem"}],
    "schedule resume": [_SCHEDULES, {TABLE: "dynamodb:GetItem UpdateItem", QUEUE: "sqs:SendMessage"}],
    "pause": [_SWITCH, {QUEUE: "sqs:GetQueueAttributes"}],
    "resume": [_SWITCH],
    "logs": [_LOGS, {TABLE: "dynamodb:GetItem"}],
    "top": [
        _COUNTS,
        _CONSUMPTION,
        _METRICS,
        _CHECK,
        {FAILED_INDEX: "dynamodb:Query", WORKER_LOG: "logs:FilterLogEvents"},
    ],
    "dlq ls": [
        {FAILED_INDEX: "dynamodb:Query", TABLE: "dynamodb:BatchGetItem", DEAD_LETTERS: "sqs:GetQueueAttributes"},
    ],
    "dlq show": [
        {
            TABLE: "dynamodb:BatchGetItem GetItem",
            DEAD_LETTERS: "sqs:ReceiveMessage ChangeMessageVisibility",
            WORKER_LOG: "logs:FilterLogEvents",
        }
    ],
    "dlq redrive": [
        _FOLLOWING,
        {
            FAILED_INDEX: "dynamodb:Query",
            TABLE: "dynamodb:GetItem UpdateItem",
            QUEUE: "sqs:SendMessage",
            DEAD_LETTERS: "sqs:GetQueueAttributes ReceiveMessage DeleteMessage ChangeMessageVisibility",
        },
    ],
    "dlq discard": [
        {
            FAILED_INDEX: "dynamodb:Query",
            # The reads: of a task that is named, and of the tasks of letters.
            TABLE: "dynamodb:BatchGetItem GetItem UpdateItem",
            DEAD_LETTERS: "sqs:GetQueueAttributes ReceiveMessage DeleteMessage ChangeMessageVisibility",
        }
    ],
    "dlq drain": [
        {
            # For --dry-run.
            FAILED_INDEX: "dynamodb:Query",
            TABLE: "dynamodb:BatchGetItem UpdateItem",
            DEAD_LETTERS: "sqs:GetQueueAttributes ReceiveMessage DeleteMessage ChangeMessageVisibility",
        }
    ],
    "dlq peek": [
        {
            TABLE: "dynamodb:BatchGetItem",
            DEAD_LETTERS: "sqs:GetQueueAttributes ReceiveMessage ChangeMessageVisibility",
        }
    ],
    "doctor": [
        _COUNTS,
        _CONSUMPTION,
        _CHECK,
        {
            # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
            STACK: "cloudformation:DetectStackDrift DetectStackResourceDrift DescribeStackResourceDrifts",
            ANYTHING: "cloudformation:BatchDescribeTypeConfigurations DescribeStackDriftDetectionStatus"
            " lambda:GetAccountSettings",
            FUNCTIONS: "lambda:GetFunctionConfiguration",
            ARCHIVES: "s3:GetObject",
            TABLE: "dynamodb:BatchGetItem Scan UpdateItem",
            FAILED_INDEX: "dynamodb:Query",
            # Its own repairs of the stack's resources need a deployer's permissions.
            QUEUE: "sqs:SendMessage ReceiveMessage ChangeMessageVisibility",
            DEAD_LETTERS: "sqs:ReceiveMessage DeleteMessage ChangeMessageVisibility SendMessage",
        },
    ],
    "bench": [_SUBMITTING, _COUNTS, _CONSUMPTION, _LOGS, {TABLE: "dynamodb:BatchGetItem"}],
    "deploy": [
        PLAN_ONLY,
        _RUNNING,
        {
            # To drop the plan of a first deployment, and to repair what a failed one left.
            STACK: "cloudformation:ContinueUpdateRollback cloudformation:DeleteStack cloudformation:ListChangeSets"
            # Of a protected stage.
            " cloudformation:UpdateTerminationProtection cloudformation:GetTemplate",
            BUCKET: "s3:ListBucket CreateBucket PutBucketPublicAccessBlock PutEncryptionConfiguration"
            " PutBucketVersioning PutLifecycleConfiguration PutBucketPolicy",
            ARCHIVES: "s3:PutObject",
            # To ask the worker whether it can run tasks, and the API whether it answers.
            WORKER: "lambda:InvokeFunction",
            DOCUMENT: "execute-api:Invoke",
        },
    ],
    "remove": [
        _PLANNING,
        _RUNNING,
        {
            STACK: "cloudformation:DeleteStack ListStackResources UpdateTerminationProtection",
            BUCKET: "s3:ListBucket ListBucketVersions DeleteBucket",
            ARCHIVES: "s3:DeleteObjectVersion",
        },
    ],
}
# Every command reads the outputs of the stack.
COMMANDS: Mapping[str, Needs] = {command: needs(_OUTPUTS, *parts) for command, parts in _PARTS.items()}
# The commands that change the stack itself; all others are an operator's.
DEPLOYING = ("deploy", "remove")
# Stands among commands for the role in whose name CloudFormation works, where a stage has one.
SERVICE_ROLE = "service-role"
# Stands alone, for an application's client, which knows the URL of the API.
APPLICATION = "app"
CLIENT = needs({CLIENT_ROUTES: "execute-api:Invoke"})
