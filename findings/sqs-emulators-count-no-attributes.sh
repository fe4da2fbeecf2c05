#!/usr/bin/env bash
# Versions: ministack 1.5.33, moto 5.2.5, boto3 1.43.106.
# Behaviour: a body of 1,048,576 bytes is the most that both emulators take, to the byte. The same body with a
#   message attribute of 100 bytes is still taken, alone and in a batch.
# Surprise: the limit is exact where it is easy and absent where it bites: on AWS names, types and values of the
#   attributes count towards the same 1 MiB. With two emulators agreeing one would take the rule for verified.
# Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
#   (attributes are part of the size of a message).
# Seen:
#   ministack InvalidParameterValue True 2
#   moto      InvalidParameterValue True 2
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
import os
from importlib.metadata import version

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

MIB = 1024 * 1024
ATTRIBUTE = {"note": {"DataType": "String", "StringValue": "y" * 100}}


def sizes():
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x" * MIB)
    try:
        sqs.send_message(QueueUrl=url, MessageBody="x" * (MIB + 1))
        longer = "accepted"
    except ClientError as error:
        longer = error.response["Error"]["Code"]
    alone = sqs.send_message(QueueUrl=url, MessageBody="x" * MIB, MessageAttributes=ATTRIBUTE)
    halves = [{"Id": name, "MessageBody": "x" * (MIB // 2), "MessageAttributes": ATTRIBUTE} for name in "ab"]
    batch = sqs.send_message_batch(QueueUrl=url, Entries=halves)
    return longer, bool(alone["MD5OfMessageAttributes"]), len(batch["Successful"])


for package in ("ministack", "moto", "boto3"):
    print(package, version(package))
ministack = sizes()
del os.environ["AWS_ENDPOINT_URL"]
with mock_aws():
    moto = sizes()
print("one byte more, attributes on top, both entries of a full batch with attributes:")
print("ministack", *ministack)
print("moto     ", *moto)
assert ministack == moto == ("InvalidParameterValue", True, 2)
PYTHON
