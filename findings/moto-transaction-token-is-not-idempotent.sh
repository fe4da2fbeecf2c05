#!/usr/bin/env bash
# Versions: moto 5.2.5, boto3 1.43.106.
# Behaviour: a TransactWriteItems call that is repeated with the same ClientRequestToken adds to the counter a second
#   time.
# Surprise: moto checks other rules of this call (101 items, one item twice) and keeps the token unread; the token is
#   what a lost acknowledgement is survived with, and botocore itself adds one to each such call.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
#   (ClientRequestToken: identical calls have the effect of one).
# Seen:
#   the counter after the same call twice: 2
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check moto==5.2.5 py-partiql-parser==0.6.3 boto3==1.43.106

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import boto3
from moto import mock_aws

for package in ("moto", "boto3"):
    print(package, version(package))
with mock_aws():
    dynamodb = boto3.client("dynamodb", region_name="us-east-1")
    dynamodb.create_table(
        TableName="counters",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    update = {
        "TableName": "counters",
        "Key": {"id": {"S": "a"}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    for _ in range(2):
        dynamodb.transact_write_items(ClientRequestToken="one-token", TransactItems=[{"Update": update}])
    counter = dynamodb.get_item(TableName="counters", Key={"id": {"S": "a"}})["Item"]["n"]["N"]
print("the counter after the same call twice:", counter)
assert counter == "2", counter
PYTHON
