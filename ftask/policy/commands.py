"""The AWS actions that each command needs, on resources as IAM names them: it works with all, and not without any one.

An action is named as IAM names it, which is not always the name of the call: a batch of messages needs the action of
a single one, and `HeadBucket` needs `s3:ListBucket`.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Patterns of ARNs; a `Scope` fills them in. `ftask-prod-*` would also cover the stage prod-eu. So each pattern names a
# resource as a whole, or by its logical id, whose upper case no name of a stage has.
ANYTHING = "*"  # for actions that cannot be bound to a resource
STACK = "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/*"
TABLE = "arn:{partition}:dynamodb:{region}:{account}:table/{stack}-Table-*"
FAILED_INDEX = f"{TABLE}/index/failed"
# Twelve digits of the stack's own id.
QUEUE = "arn:{partition}:sqs:{region}:{account}:{stack}-tasks-????????????"
# The same digits are in the name of the group of its schedules.
SCHEDULE_GROUP = "arn:{partition}:scheduler:*:{account}:schedule-group/{stack}-????????????"
SCHEDULES = "arn:{partition}:scheduler:*:{account}:schedule/{stack}-????????????/*"
DEAD_LETTERS = "arn:{partition}:sqs:{region}:{account}:{stack}-DeadLetterQueue-*"
# The ids of an event source mapping and of an API are not known before they exist.
MAPPING = "arn:{partition}:lambda:{region}:{account}:event-source-mapping:*"
SUBMISSION = "arn:{partition}:execute-api:{region}:{account}:*/v1/POST/tasks"
BATCHES = f"{SUBMISSION}/batch"
DOCUMENT = "arn:{partition}:execute-api:{region}:{account}:*/v1/GET/openapi.json"
# What an application's client calls.
CLIENT_ROUTES = " ".join(
    f"arn:{{partition}}:execute-api:{{region}}:{{account}}:{{api}}/v1/{route}"
    for route in ("POST/tasks", "POST/tasks/batch", "POST/tasks/query", "GET/tasks", "GET/tasks/*")
)
READING = "arn:{partition}:execute-api:{region}:{account}:*/v1/GET/tasks/*"
WORKER = "arn:{partition}:lambda:{region}:{account}:function:{stack}-worker"
FUNCTIONS = f"arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{stack}}-api {WORKER}"
_LOG_GROUP = "arn:{partition}:logs:{region}:{account}:log-group:"


def _log_group(name: str) -> str:
    """Return the pattern of a log group, which most actions name with `:*` at its end, tagging and an emulator without.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    return f"{_LOG_GROUP}{name} {_LOG_GROUP}{name}:*"


API_LOG = _log_group("/aws/lambda/{stack}-api")
WORKER_LOG = _log_group("/aws/lambda/{stack}-worker")
ACCESS_LOG = _log_group("/aws/vendedlogs/{stack}-access")
BUCKET = "arn:{partition}:s3:::{bucket}"
ARCHIVES = f"{BUCKET}/{{stack}}/*"

# The id of an event source mapping is not known before it exists, so what changes one is bound to its function.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html
_BOUND_TO_WORKER = frozenset(
    {"lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"}
)

# Actions by resource.
Needs = Mapping[str, frozenset[str]]
# The same, where actions may be written as one text: without a service, one is of the service before it.
Part = Mapping[str, str | frozenset[str]]
# As in a policy: values by context key, by operator.
Condition = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """The account and region of a stage's resources; `*` stands for every one.

    `own_bucket` is the bucket for code archives; None for ftask's under its usual name. `api` is the id of the API.
    """

    stack: str
    partition: str = "aws"
    region: str = "*"
    account: str = "*"
    own_bucket: str | None = None
    api: str = "*"

    @property
    def makes_bucket(self) -> bool:
        """Whether ftask makes the bucket for code archives, and not the team."""
        return self.own_bucket is None or self.own_bucket.startswith("ftask-artifacts-")

    def arns(self, pattern: str) -> str | list[str]:
        """Return the resource of a pattern as a policy names it: a list where the pattern has several, with spaces."""
        first, *others = self.arn(pattern).split()
        return [first, *others] if others else first

    def arn(self, pattern: str) -> str:
        """Return the resource of a pattern that has only one."""
        bucket = self.own_bucket or f"ftask-artifacts-{self.account}-{self.region}"
        return pattern.format(
            partition=self.partition,
            region=self.region,
            account=self.account,
            stack=self.stack,
            bucket=bucket,
            api=self.api,
        )


def needs(*parts: Part) -> Needs:
    """Return the union."""
    union: dict[str, frozenset[str]] = {}
    for part in parts:
        for pattern, actions in part.items():
            named = frozenset(_actions(actions)) if isinstance(actions, str) else actions
            union[pattern] = union.get(pattern, frozenset()) | named
    return union


def _actions(text: str) -> Iterator[str]:
    service = ""
    for word in text.split():
        before, colon, name = word.rpartition(":")
        service = before if colon else service
        yield f"{service}:{name}"


def allow(actions: Iterable[str], resource: str | list[str], condition: Condition | None = None) -> dict[str, Any]:
    """Return a statement that allows the actions on the resource, under the condition if there is one."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": sorted(actions), "Resource": resource}
    return statement if condition is None else {**statement, "Condition": condition}


def document(
    needed: Needs,
    scope: Scope,
    *further: dict[str, Any],
    conditions: Mapping[str, Mapping[str, Condition]] | None = None,
) -> dict[str, Any]:
    """Return the policy that allows these actions, with `further` statements appended.

    `conditions` are those of single actions on a pattern, besides the ones that every policy has.
    """
    of_worker: Condition = {"ArnLike": {"lambda:FunctionArn": scope.arn(WORKER)}}
    statements = []
    # A policy has little room: one statement for the resources with the same actions.
    alike_patterns: dict[frozenset[str], list[str]] = {}
    for pattern, actions in sorted(needed.items()):
        bound = {**dict.fromkeys(_BOUND_TO_WORKER, of_worker), **(conditions or {}).get(pattern, {})}
        free = frozenset(actions - bound.keys())
        if free:
            alike_patterns.setdefault(free, []).append(pattern)
        by_condition: dict[str, set[str]] = {}
        for action in actions & bound.keys():
            by_condition.setdefault(json.dumps(bound[action]), set()).add(action)
        for condition, alike in sorted(by_condition.items()):
            statements.append(allow(alike, scope.arns(pattern), json.loads(condition)))
    free_ones = [allow(actions, scope.arns(" ".join(patterns))) for actions, patterns in alike_patterns.items()]
    return {"Version": "2012-10-17", "Statement": [*free_ones, *statements, *further]}


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
