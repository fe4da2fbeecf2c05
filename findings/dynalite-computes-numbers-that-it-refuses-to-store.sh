#!/usr/bin/env bash
# Versions: dynalite 4.0.0 (npm), boto3 1.43.106.
# Behaviour: dynalite refuses a number of 39 digits and one beyond 9.99E+125, as DynamoDB does, when they are sent. When
#   an update computes them it stores them: 1 + 1E-40 has 41 digits, and 9E+125 + 9E+125 is out of range.
# Surprise: the item that a client reads cannot be written back, by dynalite itself. The other emulators err the other
#   way and round what is allowed, so no two of them agree with DynamoDB on one sum.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
#   (Number: up to 38 digits, 9.9999999999999999999999999999999999999E+125 at most).
# Seen:
#   computed 1.0000000000000000000000000000000000000001, written back: ValidationException
#   computed 1.8E+126, written back: ValidationException
set -euo pipefail

folder=$(mktemp -d)
server=
trap 'if [[ -n $server ]]; then kill "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check boto3==1.43.106
npm install --silent --no-audit --no-fund --prefix "$folder" dynalite@4.0.0
port=$(venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
node node_modules/dynalite/cli.js --host 127.0.0.1 --port "$port" --createTableMs 0 > log 2>&1 &
server=$!

venv/bin/python - "$port" <<'PYTHON'
import sys
from decimal import Decimal
from importlib.metadata import version

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

print("dynalite 4.0.0, boto3", version("boto3"))
client = boto3.client(
    "dynamodb",
    endpoint_url=f"http://127.0.0.1:{sys.argv[1]}",
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(retries={"mode": "standard", "total_max_attempts": 10}),
)
client.create_table(
    TableName="numbers",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
client.get_waiter("table_exists").wait(TableName="numbers")
for left, right in (("1", "1E-40"), ("9E+125", "9E+125")):
    client.update_item(
        TableName="numbers",
        Key={"id": {"S": "sum"}},
        UpdateExpression="SET n = :left + :right",
        ExpressionAttributeValues={":left": {"N": left}, ":right": {"N": right}},
    )
    item = client.get_item(TableName="numbers", Key={"id": {"S": "sum"}})["Item"]
    try:
        client.put_item(TableName="numbers", Item=item)
    except ClientError as error:
        code = error.response["Error"]["Code"]
    else:
        code = "accepted"
    print(f"computed {Decimal(item['n']['N']).normalize() if len(item['n']['N']) > 99 else item['n']['N']}, written back: {code}")
    assert code == "ValidationException", code
PYTHON
