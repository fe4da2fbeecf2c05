#!/usr/bin/env bash
# Versions: moto 5.2.5, ministack 1.5.33, event-ruler 0.3.0, boto3 1.43.106.
# Behaviour: the pattern {"n": [300]} matches 300.0 in moto and in ministack; in moto {"n": [1]} matches true as
#   well, and a pattern on a field of objects in a list matches nothing.
# Surprise: EventBridge compares numbers by how they are written, so 300, 300.0 and 3.0e2 differ; the emulators
#   compare parsed JSON. Only the little event-ruler binding keeps to it.
# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html (numbers match by their
#   text) and https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-arrays.html
# Seen:
#   {"n": [300]}         on {"n": 300}                       ministack True, moto True, event-ruler True
#   {"n": [300]}         on {"n": 300.0}                     ministack True, moto True, event-ruler False
#   {"n": [1]}           on {"n": true}                      ministack False, moto True, event-ruler False
#   {"n": {"k": ["x"]}}  on {"n": [{"k": "x"}, {"k": "y"}]}  ministack True, moto False, event-ruler True
set -euo pipefail

folder=$(mktemp -d)
engine=
trap 'if [[ -n $engine ]]; then kill "$engine"; wait "$engine" || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check 'moto[events]==5.2.5' ministack==1.5.33 event-ruler==0.3.0 boto3==1.43.106
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
import os
from importlib.metadata import version

import boto3
from event_ruler import event_ruler
from moto import mock_aws

CASES = [
    ('{"n": [300]}', '{"n": 300}'),
    ('{"n": [300]}', '{"n": 300.0}'),
    ('{"n": [1]}', '{"n": true}'),
    ('{"n": {"k": ["x"]}}', '{"n": [{"k": "x"}, {"k": "y"}]}'),
]


def delivered():
    sqs, events = boto3.client("sqs"), boto3.client("events")
    url = sqs.create_queue(QueueName="matched")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for pattern, detail in CASES:
        events.put_rule(Name="rule", EventPattern='{"detail": %s}' % pattern)
        events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": arn}])
        events.put_events(Entries=[{"Source": "s", "DetailType": "d", "Detail": detail}])
        messages = sqs.receive_message(QueueUrl=url).get("Messages", [])
        for message in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        yield bool(messages)


for package in ("moto", "ministack", "event-ruler", "boto3"):
    print(package, version(package))
ministack = list(delivered())
del os.environ["AWS_ENDPOINT_URL"]
with mock_aws():
    moto = list(delivered())
ruler = [event_ruler.test_event_pattern(detail, pattern) for pattern, detail in CASES]
for (pattern, detail), *answers in zip(CASES, ministack, moto, ruler):
    print(f"{pattern:20} on {detail:32} ministack %s, moto %s, event-ruler %s" % tuple(answers))
assert ministack == [True, True, False, True], ministack
assert moto == [True, True, True, False], moto
assert ruler == [True, False, False, True], ruler
PYTHON
