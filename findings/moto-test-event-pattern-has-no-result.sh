#!/usr/bin/env bash
# Versions: moto 5.2.5, boto3 1.43.106.
# Behaviour: TestEventPattern answers 200 without Result, for an event that matches and for one that does not. A rule
#   with the same patterns delivers the first event and not the second.
# Surprise: the matcher exists in moto, and an operation that moto lacks raises NotImplementedError; here
#   response["Result"] is a KeyError and response.get("Result") says that nothing ever matches.
# Source: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html (Result).
# Seen:
#   {"source": ["shop"]} - test: [] - delivered by a rule: 1
#   {"source": ["bank"]} - test: [] - delivered by a rule: 0
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check 'moto[events]==5.2.5' boto3==1.43.106

venv/bin/python - <<'PYTHON'
import json
from importlib.metadata import version

import boto3
from moto import mock_aws

for package in ("moto", "boto3"):
    print(package, version(package))
event = {
    "id": "1", "detail-type": "d", "source": "shop", "account": "123456789012",
    "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": [], "detail": {},
}
with mock_aws():
    events, sqs = (boto3.client(name, region_name="us-east-1") for name in ("events", "sqs"))
    url = sqs.create_queue(QueueName="matched")["QueueUrl"]
    for source in ("shop", "bank"):
        pattern = json.dumps({"source": [source]})
        answer = events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))
        events.put_rule(Name="rule", EventPattern=pattern)
        events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:123456789012:matched"}])
        events.put_events(Entries=[{"Source": "shop", "DetailType": "d", "Detail": "{}"}])
        messages = len(sqs.receive_message(QueueUrl=url, VisibilityTimeout=600).get("Messages", []))
        print(pattern, "- test:", sorted(answer.keys() - {"ResponseMetadata"}), "- delivered by a rule:", messages)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200 and "Result" not in answer
        assert messages == (source == "shop")
PYTHON
