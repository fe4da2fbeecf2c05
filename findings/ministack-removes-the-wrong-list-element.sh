#!/usr/bin/env bash
# Versions: ministack 1.5.33, moto 5.2.5, boto3 1.43.106.
# Behaviour: "REMOVE steps[0], steps[1]" of [a, b, c, d] leaves [b, d]: the first removal shifts the list before the
#   second one. "REMOVE steps[1], steps[0]" leaves [c, d]. moto leaves [c, d] for both.
# Surprise: all actions of one update expression see the item as it was; ministack gets that right for SET (two
#   attributes can be swapped) and takes REMOVE one by one.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html (the
#   example removes two elements of a list by their indexes).
# Seen:
#   ministack: left ['bd', 'cd'] - swapped (2, 1)
#   moto:      left ['cd', 'cd'] - swapped (2, 1)
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


def removals():
    table = boto3.resource("dynamodb").create_table(
        TableName="lists",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    left = []
    for expression in ("REMOVE steps[0], steps[1]", "REMOVE steps[1], steps[0]"):
        table.put_item(Item={"id": "x", "steps": list("abcd")})
        answer = table.update_item(Key={"id": "x"}, UpdateExpression=expression, ReturnValues="ALL_NEW")
        left.append("".join(answer["Attributes"]["steps"]))
    table.put_item(Item={"id": "x", "left": 1, "right": 2})
    swapped = table.update_item(
        Key={"id": "x"}, UpdateExpression="SET #l = #r, #r = #l",
        ExpressionAttributeNames={"#l": "left", "#r": "right"}, ReturnValues="ALL_NEW",
    )["Attributes"]
    return left, (int(swapped["left"]), int(swapped["right"]))


for package in ("ministack", "moto", "boto3"):
    print(package, version(package))
ministack = removals()
del os.environ["AWS_ENDPOINT_URL"]
with mock_aws():
    moto = removals()
print("ministack: left", ministack[0], "- swapped", ministack[1])
print("moto:      left", moto[0], "- swapped", moto[1])
assert ministack == (["bd", "cd"], (2, 1)), ministack
assert moto == (["cd", "cd"], (2, 1)), moto
PYTHON
