"""A table and two queues as the template declares them, for tests that need no stack around them."""

from __future__ import annotations

import functools
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cfnlint.decode.cfn_yaml import load as load_template

from ftask.core.dynamodb import DynamoStore
from ftask.core.sqs import SqsDeadLetterQueue, SqsQueue
from ftask.deploy.template import stack_folder

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_sqs.client import SQSClient

VISIBILITY_SECONDS = 120
# X-Ray has no resources, and Lambda's network interfaces no names before they are made.
NO_RESOURCES_TO_NAME = {"tracing", "network"}


@dataclass
class Resources:
    """The parts of a stack that the protocol speaks to, and their adapters."""

    dynamodb: DynamoDBClient
    sqs: SQSClient
    table: str
    queue_url: str
    dead_letter_queue_url: str

    @property
    def store(self) -> DynamoStore:
        return DynamoStore(lambda: self.dynamodb, self.table)

    @property
    def queue(self) -> SqsQueue:
        return SqsQueue(lambda: self.sqs, self.queue_url)

    @property
    def dead_letters(self) -> SqsDeadLetterQueue:
        return SqsDeadLetterQueue(lambda: self.sqs, self.dead_letter_queue_url)


@functools.cache
def template() -> dict[str, Any]:
    """The template, parsed once: who asks only reads it."""
    parsed: dict[str, Any] = load_template(str(stack_folder() / "template.yaml"))
    return parsed


def policies_of(parsed: dict[str, Any]) -> list[dict[str, Any]]:
    """Every policy of the template's roles, with `PolicyName` and `PolicyDocument`."""
    policies = []
    for resource in parsed["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            policies += properties["Policies"]
        elif resource["Type"] == "AWS::IAM::Policy":
            policies.append(properties)
    return policies


def create(dynamodb: DynamoDBClient, sqs: SQSClient) -> Resources:
    """Make them under fresh names."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    declared = _plain(template()["Resources"]["Table"]["Properties"])
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=declared["AttributeDefinitions"],
        KeySchema=declared["KeySchema"],
        GlobalSecondaryIndexes=declared["GlobalSecondaryIndexes"],
    )
    queue_url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)})["QueueUrl"]
    dead_letter_queue_url = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    return Resources(dynamodb, sqs, name, queue_url, dead_letter_queue_url)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    return str(value) if isinstance(value, str) else value
