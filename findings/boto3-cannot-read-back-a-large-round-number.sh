#!/usr/bin/env bash
# Versions: boto3 1.43.106, ministack 1.5.33.
# Behaviour: Decimal("1E+40") is written to DynamoDB, and reading the item fails with decimal.Rounded. For the same
#   reason the int 10**40 is refused where the equal Decimal is accepted: boto3 counts the digits as they are
#   written, trailing zeros included.
# Surprise: the number has one significant digit, DynamoDB keeps 38 and returns plain digits. One item written by the
#   resource interface makes every get, query and scan that meets it raise.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
#   (Number: up to 38 digits of precision, magnitude up to 9.99e125).
# Seen:
#   Decimal: {'N': '1E+40'}
#   int: refused, Rounded
#   stored: {'N': '10000000000000000000000000000000000000000'}
#   read back: refused, Rounded
set -euo pipefail

folder=$(mktemp -d)
engine=
trap 'if [[ -n $engine ]]; then kill "$engine"; wait "$engine" || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check boto3==1.43.106 ministack==1.5.33
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
from decimal import Decimal, Rounded
from importlib.metadata import version

import boto3
from boto3.dynamodb.types import TypeSerializer

for package in ("boto3", "ministack"):
    print(package, version(package))
serialize = TypeSerializer().serialize
print("Decimal:", serialize(Decimal("1E+40")))
assert Decimal("1E+40") == 10**40
try:
    print("int:", serialize(10**40))
    raise SystemExit("the int is accepted now")
except Rounded as error:
    print("int: refused,", type(error).__name__)

table = boto3.resource("dynamodb").create_table(
    TableName="numbers",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
table.put_item(Item={"id": "a", "n": Decimal("1E+40")})
stored = boto3.client("dynamodb").get_item(TableName="numbers", Key={"id": {"S": "a"}})["Item"]["n"]
print("stored:", stored)
try:
    table.get_item(Key={"id": "a"})
    raise SystemExit("the item is read now")
except Rounded as error:
    print("read back: refused,", type(error).__name__)
assert stored == {"N": "1" + "0" * 40}, stored
PYTHON
