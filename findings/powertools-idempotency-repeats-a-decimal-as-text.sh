#!/usr/bin/env bash
# Versions: aws-lambda-powertools 3.37.0, moto 5.2.5.
# Behaviour: the first call of an idempotent function returns what the function returned; a repeated one returns what
#   came back from JSON: Decimal("1.5") has become the text "1.5", a tuple a list, the key 1 the key "1".
# Surprise: a type that JSON lacks is refused elsewhere (a datetime or a set raises), and DynamoDB, where the answer
#   is kept, has decimals. Arithmetic on the result works until the first retry.
# Source: https://docs.powertools.aws.dev/lambda/python/latest/utilities/idempotency/ (the same result is returned;
#   serialized as JSON).
# Seen:
#   first Decimal('1.5')  repeated '1.5'
#   first (1, 2)          repeated [1, 2]
#   first {1: 'one'}      repeated {'1': 'one'}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check aws-lambda-powertools==3.37.0 'moto[dynamodb]==5.2.5' boto3==1.43.106

venv/bin/python - <<'PYTHON'
import os
from decimal import Decimal
from importlib.metadata import version

import boto3
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, idempotent_function
from moto import mock_aws

os.environ |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "f"}
for package in ("aws-lambda-powertools", "moto"):
    print(package, version(package))
runs, seen = [], []
with mock_aws():
    boto3.client("dynamodb").create_table(
        TableName="results",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    store = DynamoDBPersistenceLayer(table_name="results")
    for result in (Decimal("1.5"), (1, 2), {1: "one"}):

        @idempotent_function(data_keyword_argument="order", persistence_store=store)
        def charge(order):
            runs.append(order)
            return result

        first, repeated = charge(order=repr(result)), charge(order=repr(result))
        seen.append(repeated)
        print(f"first {first!r:15} repeated {repeated!r}")
        assert first == result
assert len(runs) == 3 and seen == ["1.5", [1, 2], {"1": "one"}], seen
PYTHON
