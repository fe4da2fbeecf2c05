#!/usr/bin/env bash
# Versions: ministack 1.5.33, boto3 1.43.106.
# Behaviour: a schedule whose Input names the context attributes of EventBridge Scheduler, like the time that it was to
#   fire at, sends them to its target as they were written.
# Surprise: the schedule is made, shown and fired as on AWS, and the message arrives; a consumer that makes its work
#   idempotent by the scheduled time, as AWS advises, sees one and the same text at every firing, and does it once.
# Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
# Seen:
#   sent: {"at":"<aws.scheduler.scheduled-time>","attempt":"<aws.scheduler.attempt-number>"}
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
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import boto3

INPUT = '{"at":"<aws.scheduler.scheduled-time>","attempt":"<aws.scheduler.attempt-number>"}'
for package in ("ministack", "boto3"):
    print(package, version(package))
sqs, scheduler = boto3.client("sqs"), boto3.client("scheduler")
url = sqs.create_queue(QueueName="q")["QueueUrl"]
moment = datetime.now(UTC) + timedelta(seconds=3)
scheduler.create_schedule(
    Name="s",
    ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
    FlexibleTimeWindow={"Mode": "OFF"},
    Target={"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": "arn:aws:iam::000000000000:role/any", "Input": INPUT},
)
deadline = time.monotonic() + 90
messages = []
while not messages and time.monotonic() < deadline:
    messages = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", [])
sent = messages[0]["Body"]
print("sent:", sent)
assert sent == INPUT, sent
PYTHON
