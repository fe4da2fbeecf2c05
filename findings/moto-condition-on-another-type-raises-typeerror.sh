#!/usr/bin/env bash
# Versions: moto 5.2.5, boto3 1.43.106.
# Behaviour: the condition "n < :x" raises a Python TypeError out of the boto3 call when the attribute is a number
#   and the value a text. "n = :x" with the same operands is false, as it should be.
# Surprise: in DynamoDB values of different types do not compare, so the condition does not hold:
#   ConditionalCheckFailedException. Code that reads records of an older format by such a condition cannot be tested.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
#   (comparators).
# Seen:
#   n = :x -> ConditionalCheckFailedException
#   n < :x -> TypeError
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check 'moto[dynamodb]==5.2.5' boto3==1.43.106

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import boto3
from moto import mock_aws

for package in ("moto", "boto3"):
    print(package, version(package))
seen = []
with mock_aws():
    dynamodb = boto3.client("dynamodb", region_name="us-east-1")
    dynamodb.create_table(
        TableName="tasks",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": {"S": "a"}, "n": {"N": "1"}}
    dynamodb.put_item(TableName="tasks", Item=item)
    for condition in ("n = :x", "n < :x"):
        try:
            dynamodb.put_item(
                TableName="tasks",
                Item=item,
                ConditionExpression=condition,
                ExpressionAttributeValues={":x": {"S": "2"}},
            )
        except (dynamodb.exceptions.ConditionalCheckFailedException, TypeError) as error:
            seen.append(type(error).__name__)
            print(condition, "->", seen[-1])
assert seen == ["ConditionalCheckFailedException", "TypeError"], seen
PYTHON
