#!/usr/bin/env bash
# Versions: ministack 1.5.33, moto 5.2.5, boto3 1.43.106.
# Behaviour: "SET n = n + :x" loses digits without a word. ministack rounds every sum to 28 significant digits, so
#   adding 1 to a whole number of 38 digits changes its last ten; moto adds whole numbers exactly and rounds those
#   with a fraction to 28.
# Surprise: 28 is the precision of Python's default decimal context. Both emulators store numbers of 38 digits
#   faithfully, so only arithmetic shows it, and each on different numbers.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
#   (Number: 38 digits of precision).
# Seen:
#   right      12345678901234567890123456789012345679 1.1234567890123456789012345678901234567
#   ministack  12345678901234567890123456790000000000 1.123456789012345678901234568
#   moto       12345678901234567890123456789012345679 1.123456789012345678901234568
set -euo pipefail

folder=$(mktemp -d)
engine=
trap 'if [[ -n $engine ]]; then kill "$engine"; wait "$engine" || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check ministack==1.5.33 'moto[dynamodb]==5.2.5' boto3==1.43.106
port=$(venv/bin/python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir home
HOME=$folder/home TMPDIR=$folder BIND_HOST=127.0.0.1 IOT_MTLS_ENABLED=0 GATEWAY_PORT=$port venv/bin/ministack > engine.log 2>&1 &
engine=$!
for _ in {1..150}; do
  (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break
  sleep 0.2
done
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
export AWS_ENDPOINT_URL=http://127.0.0.1:$port

venv/bin/python - <<'PYTHON'
import os
from importlib.metadata import version

import boto3
from moto import mock_aws

WHOLE = "12345678901234567890123456789012345678"
FRACTION = "0.1234567890123456789012345678901234567"


def sums():
    dynamodb = boto3.client("dynamodb")
    dynamodb.create_table(
        TableName="sums",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in (WHOLE, FRACTION):
        key = {"id": {"S": number}}
        dynamodb.put_item(TableName="sums", Item={**key, "n": {"N": number}})
        stored = dynamodb.get_item(TableName="sums", Key=key)["Item"]["n"]["N"]
        assert stored == number, stored
        yield dynamodb.update_item(
            TableName="sums",
            Key=key,
            UpdateExpression="SET n = n + :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="ALL_NEW",
        )["Attributes"]["n"]["N"]


for package in ("ministack", "moto", "boto3"):
    print(package, version(package))
ministack = list(sums())
del os.environ["AWS_ENDPOINT_URL"]
with mock_aws():
    moto = list(sums())
print("right     ", WHOLE[:-1] + "9", "1" + FRACTION[1:])
print("ministack ", *ministack)
print("moto      ", *moto)
rounded = "1.123456789012345678901234568"
assert ministack == ["12345678901234567890123456790000000000", rounded], ministack
assert moto == [WHOLE[:-1] + "9", rounded], moto
PYTHON
