"""Where a stage's resources are, as IAM names them, and how actions on them become a policy."""

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


def allow(actions: Iterable[str], resource: str) -> dict[str, Any]:
    """One statement."""
    return {"Effect": "Allow", "Action": sorted(actions), "Resource": resource}


def document(wanted: Needs, scope: Scope, *further: dict[str, Any]) -> dict[str, Any]:
    """The policy that allows this, and what `further` statements say."""
    own = [allow(actions, scope.arn(pattern)) for pattern, actions in sorted(wanted.items())]
    return {"Version": "2012-10-17", "Statement": [*own, *further]}
