"""What each command asks of AWS: with these actions it works, and without any one of them it does not.

An action is named as AWS asks for it, which is not always how the call is named: batches of messages have the
action of a single one, and `HeadBucket` has that of listing the bucket.
https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# What an action is done to, as the pattern of an ARN that a `Scope` fills in.
ANYTHING = "*"  # of actions that cannot be bound to a resource
STACK = "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/*"
TABLE = "arn:{partition}:dynamodb:{region}:{account}:table/{stack}-Table-*"
FAILED_INDEX = f"{TABLE}/index/failed"
QUEUE = "arn:{partition}:sqs:{region}:{account}:{stack}-tasks-*"
DEAD_LETTERS = "arn:{partition}:sqs:{region}:{account}:{stack}-DeadLetterQueue-*"
# Nobody knows the id of a mapping or of an API beforehand.
MAPPING = "arn:{partition}:lambda:{region}:{account}:event-source-mapping:*"
SUBMISSION = "arn:{partition}:execute-api:{region}:{account}:*/v1/POST/tasks"
BATCHES = f"{SUBMISSION}/batch"
READING = "arn:{partition}:execute-api:{region}:{account}:*/v1/GET/tasks/*"
# AWS names a log group with `:*` at its end here, an emulator without.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
API_LOG = "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{stack}-api*"
WORKER_LOG = "arn:{partition}:logs:{region}:{account}:log-group:/aws/lambda/{stack}-worker*"
BUCKET = "arn:{partition}:s3:::{bucket}"
ARCHIVES = f"{BUCKET}/{{stack}}/*"

# Actions, by what they are done to.
Needs = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a stage is. `*` stands for every account or region; a policy works in its own account only.

    `own_bucket` is the team's bucket for code archives; None if ftask makes its own.
    """

    stack: str
    partition: str = "aws"
    region: str = "*"
    account: str = "*"
    own_bucket: str | None = None

    def arn(self, pattern: str) -> str:
        bucket = self.own_bucket or f"ftask-artifacts-{self.account}-{self.region}"
        return pattern.format(
            partition=self.partition, region=self.region, account=self.account, stack=self.stack, bucket=bucket
        )


def needs(actions: Mapping[str, str]) -> Needs:
    """From actions that stand in one text, with spaces between."""
    return {pattern: frozenset(names.split()) for pattern, names in actions.items()}


def together(*each: Needs) -> Needs:
    """All of these."""
    found: dict[str, frozenset[str]] = {}
    for one in each:
        for pattern, actions in one.items():
            found[pattern] = found.get(pattern, frozenset()) | actions
    return found


_OUTPUTS = needs({STACK: "cloudformation:DescribeStacks"})
_FOLLOWING = needs({TABLE: "dynamodb:BatchGetItem dynamodb:GetItem"})
_SUBMITTING = needs({SUBMISSION: "execute-api:Invoke", BATCHES: "execute-api:Invoke"})
_LOGS = needs({API_LOG: "logs:FilterLogEvents", WORKER_LOG: "logs:FilterLogEvents"})
_COUNTS = needs({QUEUE: "sqs:GetQueueAttributes", DEAD_LETTERS: "sqs:GetQueueAttributes"})
_CONSUMPTION = needs({MAPPING: "lambda:GetEventSourceMapping"})
_METRICS = needs({ANYTHING: "cloudwatch:GetMetricStatistics"})
_SWITCH = needs({MAPPING: "lambda:GetEventSourceMapping lambda:UpdateEventSourceMapping"})
_PLANNING = together(_OUTPUTS, needs({STACK: "cloudformation:CreateChangeSet cloudformation:DescribeChangeSet"}))
_RUNNING = needs({STACK: "cloudformation:DescribeStackEvents cloudformation:ExecuteChangeSet"})

COMMANDS: Mapping[str, Needs] = {
    "info": together(_OUTPUTS, _COUNTS, _CONSUMPTION, _METRICS),
    "submit": together(_OUTPUTS, _SUBMITTING, _FOLLOWING),
    "get": together(_OUTPUTS, needs({READING: "execute-api:Invoke"})),
    "watch": together(_OUTPUTS, _FOLLOWING),
    "ls": together(_OUTPUTS, needs({TABLE: "dynamodb:Scan", FAILED_INDEX: "dynamodb:Query"})),
    "cancel": together(_OUTPUTS, needs({TABLE: "dynamodb:GetItem dynamodb:UpdateItem"})),
    "pause": together(_OUTPUTS, _SWITCH, needs({QUEUE: "sqs:GetQueueAttributes"})),
    "resume": together(_OUTPUTS, _SWITCH),
    "logs": together(_OUTPUTS, _LOGS),
    "top": together(
        _OUTPUTS,
        _COUNTS,
        _CONSUMPTION,
        _METRICS,
        needs({TABLE: "dynamodb:Scan", WORKER_LOG: "logs:FilterLogEvents"}),
    ),
    "dlq ls": together(_OUTPUTS, needs({FAILED_INDEX: "dynamodb:Query", DEAD_LETTERS: "sqs:GetQueueAttributes"})),
    "dlq show": together(
        _OUTPUTS,
        needs(
            {
                TABLE: "dynamodb:GetItem",
                DEAD_LETTERS: "sqs:ReceiveMessage sqs:ChangeMessageVisibility",
                WORKER_LOG: "logs:FilterLogEvents",
            }
        ),
    ),
    "dlq redrive": together(
        _OUTPUTS,
        _FOLLOWING,
        needs(
            {
                FAILED_INDEX: "dynamodb:Query",
                TABLE: "dynamodb:UpdateItem",
                QUEUE: "sqs:SendMessage",
                DEAD_LETTERS: "sqs:GetQueueAttributes sqs:ReceiveMessage sqs:DeleteMessage sqs:ChangeMessageVisibility",
            }
        ),
    ),
    "dlq drain": together(
        _OUTPUTS,
        needs(
            {
                TABLE: "dynamodb:BatchGetItem",
                DEAD_LETTERS: "sqs:GetQueueAttributes sqs:ReceiveMessage sqs:DeleteMessage",
            }
        ),
    ),
    "dlq peek": together(
        _OUTPUTS,
        needs({DEAD_LETTERS: "sqs:GetQueueAttributes sqs:ReceiveMessage sqs:ChangeMessageVisibility"}),
    ),
    "doctor": together(
        _OUTPUTS,
        _COUNTS,
        _CONSUMPTION,
        _FOLLOWING,
        needs(
            {
                STACK: "cloudformation:DetectStackDrift cloudformation:DescribeStackResourceDrifts",
                ANYTHING: "cloudformation:DescribeStackDriftDetectionStatus lambda:GetAccountSettings",
                TABLE: "dynamodb:Scan dynamodb:UpdateItem",
                FAILED_INDEX: "dynamodb:Query",
                QUEUE: "sqs:SendMessage",
                DEAD_LETTERS: "sqs:ReceiveMessage sqs:DeleteMessage sqs:ChangeMessageVisibility sqs:SendMessage",
            }
        ),
    ),
    "bench": together(
        _OUTPUTS,
        _SUBMITTING,
        _COUNTS,
        _CONSUMPTION,
        _LOGS,
        needs({TABLE: "dynamodb:BatchGetItem"}),
    ),
    "deploy": together(
        _PLANNING,
        _RUNNING,
        needs(
            {
                # A plan that is dropped, and what an earlier deployment left undone.
                STACK: "cloudformation:ContinueUpdateRollback cloudformation:DeleteChangeSet"
                " cloudformation:DeleteStack",
                ANYTHING: "cloudformation:GetTemplateSummary",
                BUCKET: "s3:ListBucket s3:CreateBucket s3:PutBucketPublicAccessBlock s3:PutEncryptionConfiguration"
                " s3:PutBucketVersioning s3:PutLifecycleConfiguration s3:PutBucketPolicy",
                ARCHIVES: "s3:GetObject s3:PutObject",
            }
        ),
    ),
    "remove": together(
        _PLANNING,
        _RUNNING,
        needs(
            {
                STACK: "cloudformation:DeleteStack cloudformation:ListStackResources",
                BUCKET: "s3:ListBucket s3:ListBucketVersions s3:DeleteBucket",
                ARCHIVES: "s3:DeleteObjectVersion",
            }
        ),
    ),
}
# What changes the stack itself; every other command is an operator's.
DEPLOYING = ("deploy", "remove")


def allow(actions: Iterable[str], resource: str) -> dict[str, Any]:
    """One statement."""
    return {"Effect": "Allow", "Action": sorted(actions), "Resource": resource}


def document(wanted: Needs, scope: Scope, *further: dict[str, Any]) -> dict[str, Any]:
    """The policy that allows this, and what `further` statements say."""
    own = [allow(actions, scope.arn(pattern)) for pattern, actions in sorted(wanted.items())]
    return {"Version": "2012-10-17", "Statement": [*own, *further]}
