#!/usr/bin/env bash
# Versions: ministack 1.5.33, boto3 1.43.106.
# Behaviour: a schedule at(...) with ScheduleExpressionTimezone America/New_York fires when that time has come in
#   UTC, four or five hours early. GetSchedule gives the time zone back.
# Surprise: the zone is stored and shown, the schedule fires for real, and one in UTC fires on time; only who waits
#   for the hour sees that the zone is not used.
# Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html (time zones).
# Seen:
#   zone: America/New_York - messages: ['due']
#   early by 5 hours
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
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from zoneinfo import ZoneInfo

import boto3

for package in ("ministack", "boto3"):
    print(package, version(package))
sqs, scheduler = boto3.client("sqs"), boto3.client("scheduler")
url = sqs.create_queue(QueueName="fired")["QueueUrl"]
arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
clock = datetime.now(timezone.utc).replace(microsecond=0, tzinfo=None) + timedelta(seconds=1)
due = clock.replace(tzinfo=ZoneInfo("America/New_York"))
scheduler.create_schedule(
    Name="report",
    ScheduleExpression=f"at({clock.isoformat()})",
    ScheduleExpressionTimezone="America/New_York",
    FlexibleTimeWindow={"Mode": "OFF"},
    Target={"Arn": arn, "RoleArn": "arn:aws:iam::000000000000:role/any", "Input": "due"},
)
zone = scheduler.get_schedule(Name="report")["ScheduleExpressionTimezone"]
for _ in range(3):
    if messages := sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10).get("Messages", []):
        break
early = due - datetime.now(timezone.utc)
print("zone:", zone, "- messages:", [message["Body"] for message in messages])
print("early by", round(early / timedelta(hours=1)), "hours")
assert zone == "America/New_York" and [message["Body"] for message in messages] == ["due"]
assert early > timedelta(hours=3)
PYTHON
