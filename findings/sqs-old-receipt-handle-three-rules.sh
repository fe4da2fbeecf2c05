#!/usr/bin/env bash
# Versions: ministack 1.5.33, moto 5.2.5, boto3 1.43.106.
# Behaviour: a message is received twice, then deleted with the first receipt handle. moto deletes it, ministack
#   answers ReceiptHandleIsInvalid and keeps it.
# Surprise: AWS documents a third rule: the request succeeds, and the message may not be deleted. A worker that
#   outlives its visibility timeout therefore loses the race silently on AWS, loudly on ministack, and never on moto.
# Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
# Seen:
#   ministack: answer ReceiptHandleIsInvalid, messages left 1
#   moto:      answer succeeds, messages left 0
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
from moto import mock_aws


def delete_with_the_first_handle():
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    first, _ = (
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=seconds)["Messages"][0]["ReceiptHandle"]
        for seconds in (0, 60)
    )
    try:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=first)
        answer = "succeeds"
    except sqs.exceptions.ReceiptHandleIsInvalid:
        answer = "ReceiptHandleIsInvalid"
    hidden = "ApproximateNumberOfMessagesNotVisible"
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[hidden])["Attributes"][hidden]
    return answer, left


for package in ("ministack", "moto", "boto3"):
    print(package, version(package))
ministack = delete_with_the_first_handle()
del os.environ["AWS_ENDPOINT_URL"]
with mock_aws():
    moto = delete_with_the_first_handle()
print("ministack: answer %s, messages left %s" % ministack)
print("moto:      answer %s, messages left %s" % moto)
assert ministack == ("ReceiptHandleIsInvalid", "1"), ministack
assert moto == ("succeeds", "0"), moto
PYTHON
