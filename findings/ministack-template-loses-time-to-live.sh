#!/usr/bin/env bash
# Versions: ministack 1.5.33, boto3 1.43.106.
# Behaviour: a table whose template has TimeToLiveSpecification is created with time to live DISABLED. The stream of
#   the same template is on, and UpdateTimeToLive works.
# Surprise: the stack ends in CREATE_COMPLETE, and the property next to it is applied. Items that should expire stay
#   forever.
# Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
#   (TimeToLiveSpecification).
# Seen:
#   stream from the template: True - time to live from the template: DISABLED - by the API: ENABLED
set -euo pipefail

folder=$(mktemp -d)
engine=
trap 'if [[ -n $engine ]]; then kill "$engine"; wait "$engine" || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check ministack==1.5.33 boto3==1.43.106
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
import json
from importlib.metadata import version

import boto3

for package in ("ministack", "boto3"):
    print(package, version(package))
table = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "TableName": "tasks",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
    },
}
cloudformation, dynamodb = boto3.client("cloudformation"), boto3.client("dynamodb")
cloudformation.create_stack(StackName="s", TemplateBody=json.dumps({"Resources": {"Table": table}}))
cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})


def status():
    return dynamodb.describe_time_to_live(TableName="tasks")["TimeToLiveDescription"]["TimeToLiveStatus"]


stream = dynamodb.describe_table(TableName="tasks")["Table"]["StreamSpecification"]["StreamEnabled"]
deployed = status()
dynamodb.update_time_to_live(
    TableName="tasks", TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True}
)
print("stream from the template:", stream, "- time to live from the template:", deployed, "- by the API:", status())
assert stream and deployed == "DISABLED" and status() == "ENABLED"
PYTHON
