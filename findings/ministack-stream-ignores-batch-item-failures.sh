#!/usr/bin/env bash
# Versions: ministack 1.5.33, boto3 1.43.106.
# Behaviour: a function on a DynamoDB stream answers that its first record failed, with ReportBatchItemFailures set
#   on the mapping. It is not called again; with the same answer an SQS mapping delivers the message again.
# Surprise: the mapping keeps and shows FunctionResponseTypes for both, and the answer has the same form. A stream
#   consumer that relies on it loses the record here and blocks the shard on AWS.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
# Seen:
#   calls for the message: 3 - for the stream's record: 1
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
import io
import json
import time
import zipfile
from importlib.metadata import version
from pathlib import Path

import boto3

HANDLER = """
def handle(event, context):
    with open({calls!r}, "a") as file:
        file.write(event["Records"][0]["eventSource"] + "\\n")
    first = event["Records"][0]
    return {{"batchItemFailures": [{{"itemIdentifier": first.get("messageId") or first["dynamodb"]["SequenceNumber"]}}]}}
"""
for package in ("ministack", "boto3"):
    print(package, version(package))
calls = Path("calls.txt").absolute()
calls.touch()
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as file:
    file.writestr("worker.py", HANDLER.format(calls=str(calls)))
sqs, dynamodb, functions = boto3.client("sqs"), boto3.client("dynamodb"), boto3.client("lambda")
functions.create_function(
    FunctionName="f",
    Runtime="python3.12",
    Role="arn:aws:iam::000000000000:role/any",
    Handler="worker.handle",
    Code={"ZipFile": archive.getvalue()},
)
url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "2"})["QueueUrl"]
queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
stream = dynamodb.create_table(
    TableName="records",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
    StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
)["TableDescription"]["LatestStreamArn"]
for source, start in ((queue, {}), (stream, {"StartingPosition": "TRIM_HORIZON"})):
    mapping = functions.create_event_source_mapping(
        EventSourceArn=source, FunctionName="f", FunctionResponseTypes=["ReportBatchItemFailures"], **start
    )
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
dynamodb.put_item(TableName="records", Item={"id": {"S": "a"}})
sqs.send_message(QueueUrl=url, MessageBody="x")
deadline = time.monotonic() + 40
while time.monotonic() < deadline and calls.read_text().split().count("aws:sqs") < 3:
    time.sleep(0.5)
seen = calls.read_text().split()
print("calls for the message:", seen.count("aws:sqs"), "- for the stream's record:", seen.count("aws:dynamodb"))
assert seen.count("aws:sqs") >= 3 and seen.count("aws:dynamodb") == 1, seen
PYTHON
