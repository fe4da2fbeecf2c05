#!/usr/bin/env bash
# Versions: ministack 1.5.33, moto 5.2.5, boto3 1.43.106.
# Behaviour: both emulators know the limits of SQS, each enforces the half that the other one leaves out. moto
#   refuses a message delayed by 901 s and a visibility timeout of 43,201 s, and creates queues with a delay of 901
#   s, a retention of 59 s or a wait of 21 s. ministack refuses those queues, and takes the message and the
#   visibility timeout.
# Surprise: the bound is one number for a queue and for a message; one expects an emulator to know it for both or for
#   neither. A test that is green on one of them says nothing about the other.
# Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html and
#   API_SendMessage.html (DelaySeconds 0 to 900 in both).
# Seen:
#   queue DelaySeconds 901    ministack: InvalidAttributeValue  moto: accepted
#   queue retention 59        ministack: InvalidAttributeValue  moto: accepted
#   queue wait 21             ministack: InvalidAttributeValue  moto: accepted
#   message DelaySeconds 901  ministack: accepted               moto: InvalidParameterValue
#   visibility 43201          ministack: accepted               moto: InvalidParameterValue
set -euo pipefail

folder=$(mktemp -d)
engine=
trap 'if [[ -n $engine ]]; then kill "$engine"; wait "$engine" || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check ministack==1.5.33 moto==5.2.5 boto3==1.43.106
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
from importlib.metadata import version
import os

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws


def outcome(call, **arguments):
    try:
        return call(**arguments) and "accepted"
    except ClientError as error:
        return error.response["Error"]["Code"].rsplit(".")[-1]


def limits():
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="plain")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    handle = sqs.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    return {
        "queue DelaySeconds 901": outcome(sqs.create_queue, QueueName="a", Attributes={"DelaySeconds": "901"}),
        "queue retention 59": outcome(sqs.create_queue, QueueName="b", Attributes={"MessageRetentionPeriod": "59"}),
        "queue wait 21": outcome(sqs.create_queue, QueueName="c", Attributes={"ReceiveMessageWaitTimeSeconds": "21"}),
        "message DelaySeconds 901": outcome(sqs.send_message, QueueUrl=url, MessageBody="x", DelaySeconds=901),
        "visibility 43201": outcome(
            sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=43201
        ),
    }


for package in ("ministack", "moto", "boto3"):
    print(package, version(package))
ministack = limits()
del os.environ["AWS_ENDPOINT_URL"]
with mock_aws():
    moto = limits()
for limit in moto:
    print(f"{limit:25} ministack: {ministack[limit]:22} moto: {moto[limit]}")
for limit in moto:
    assert (ministack[limit] == "accepted") != (moto[limit] == "accepted"), limit
    assert (moto[limit] == "accepted") == limit.startswith("queue"), limit
PYTHON
