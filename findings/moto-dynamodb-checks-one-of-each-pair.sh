#!/usr/bin/env bash
# Versions: moto 5.2.5, boto3 1.43.106.
# Behaviour: of three pairs of equal rules moto enforces one each: an unused name of an expression is refused, an
#   unused value is not; the same key twice is refused in BatchGetItem, not in BatchWriteItem (a put and a delete of
#   one item); a number too large is refused, one with too many digits is stored.
# Surprise: the refusals carry the service's wording, which suggests that the rules are complete.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html,
#   https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html (38
#   digits).
# Seen:
#   unused name             ValidationException
#   unused value            accepted
#   one key twice, read     ValidationException
#   one key twice, written  accepted
#   number of 1E+130        ValidationException
#   number of 39 digits     accepted
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check 'moto[dynamodb]==5.2.5' boto3==1.43.106

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

for package in ("moto", "boto3"):
    print(package, version(package))


def outcome(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "accepted"


with mock_aws():
    dynamodb = boto3.client("dynamodb", region_name="us-east-1")
    dynamodb.create_table(
        TableName="tasks",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"id": {"S": "a"}}
    put = {"TableName": "tasks", "Item": key, "ConditionExpression": "attribute_not_exists(gone)"}
    twice = [{"PutRequest": {"Item": key}}, {"DeleteRequest": {"Key": key}}]
    seen = {
        "unused name": outcome(dynamodb.put_item, **put, ExpressionAttributeNames={"#n": "n"}),
        "unused value": outcome(dynamodb.put_item, **put, ExpressionAttributeValues={":v": {"N": "1"}}),
        "one key twice, read": outcome(dynamodb.batch_get_item, RequestItems={"tasks": {"Keys": [key, key]}}),
        "one key twice, written": outcome(dynamodb.batch_write_item, RequestItems={"tasks": twice}),
        "number of 1E+130": outcome(dynamodb.put_item, TableName="tasks", Item={**key, "n": {"N": "1E+130"}}),
        "number of 39 digits": outcome(dynamodb.put_item, TableName="tasks", Item={**key, "n": {"N": "1" * 39}}),
    }
for rule, answer in seen.items():
    print(f"{rule:23} {answer}")
assert list(seen.values()) == ["ValidationException", "accepted"] * 3, seen
PYTHON
