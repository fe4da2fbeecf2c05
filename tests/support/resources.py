"""A table and two queues as the template declares them, for tests that need no stack around them."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection, Mapping
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
# Statements: X-Ray has no resources, and Lambda's network interfaces no names before they are made.
NO_RESOURCES_TO_NAME = {"Traces", "Network"}


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


def resources_of_type(resource_type: str) -> dict[str, Any]:
    """The properties of the template's resources of this type, by logical id."""
    resources = template()["Resources"].items()
    return {name: resource["Properties"] for name, resource in resources if resource["Type"] == resource_type}


def defaults() -> dict[str, str]:
    """The parameters of a stage that names none of its own."""
    return {str(name): str(each.get("Default", "")) for name, each in template()["Parameters"].items()}


def unmade_resources(parameters: Mapping[str, str]) -> set[str]:
    """The resources that a deployment with these parameters does not make."""

    def value(expression: Any) -> Any:
        match expression:
            case {"Ref": name}:
                return parameters[name]
            case {"Condition": name}:
                return value(template()["Conditions"][name])
            case {"Fn::Equals": [left, right]}:
                return value(left) == value(right)
            case {"Fn::Not": [operand]}:
                return not value(operand)
            case {"Fn::And": operands}:
                return all(map(value, operands))
            case _:
                return str(expression)

    conditional = {str(name): each for name, each in template()["Resources"].items() if "Condition" in each}
    return {name for name, resource in conditional.items() if not value({"Condition": resource["Condition"]})}


def role_policies(conditions: Collection[str]) -> dict[str, dict[str, Any]]:
    """The policy document of each role, where these of the template's conditions hold."""
    documents = {}
    for name, resource in template()["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            (policy,) = resource["Properties"]["Policies"]
            document = policy["PolicyDocument"]
            chosen = [_chosen(statement, conditions) for statement in document["Statement"]]
            documents[str(name)] = document | {"Statement": [each for each in chosen if each is not None]}
    return documents


def _chosen(statement: dict[str, Any], conditions: Collection[str]) -> dict[str, Any] | None:
    """What `Fn::If` makes of a statement; None if there is none."""
    if "Fn::If" not in statement:
        return statement
    condition, held, otherwise = statement["Fn::If"]
    assert otherwise == {"Ref": "AWS::NoValue"}
    return dict(held) if condition in conditions else None


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
    retention = str(template()["Resources"]["Queue"]["Properties"]["MessageRetentionPeriod"])
    queue_url = sqs.create_queue(
        QueueName=name, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS), "MessageRetentionPeriod": retention}
    )["QueueUrl"]
    dead_letter_queue_url = sqs.create_queue(
        QueueName=f"{name}-dead", Attributes={"MessageRetentionPeriod": retention}
    )["QueueUrl"]
    return Resources(dynamodb, sqs, name, queue_url, dead_letter_queue_url)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_plain(child) for child in value]
    return str(value) if isinstance(value, str) else value
