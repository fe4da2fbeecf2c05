#!/usr/bin/env bash
# Versions: moto 5.2.5, boto3 1.43.106.
# Behaviour: the SequenceNumber of a FIFO message is 20 random digits, so later messages of a group have smaller
#   numbers; with ContentBasedDeduplication in place of a MessageDeduplicationId there is no number at all.
# Surprise: the number is documented as one that keeps increasing within a group, which is all that it is for. moto
#   delivers in order, so a consumer that checks the order by the numbers finds it broken.
# Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
#   (SequenceNumber).
# Seen:
#   of 29 steps in one group, some go back: True
#   deduplicated by content: ['MD5OfMessageBody', 'MessageId']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check moto==5.2.5 boto3==1.43.106

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import boto3
from moto import mock_aws

for package in ("moto", "boto3"):
    print(package, version(package))
with mock_aws():
    sqs = boto3.client("sqs", region_name="us-east-1")
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName="jobs.fifo", Attributes=attributes)["QueueUrl"]
    numbers = [
        int(
            sqs.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g", MessageDeduplicationId=str(count))[
                "SequenceNumber"
            ]
        )
        for count in range(30)
    ]
    by_content = sqs.send_message(QueueUrl=url, MessageBody="y", MessageGroupId="g")
steps_back = sum(later < earlier for earlier, later in zip(numbers, numbers[1:]))
print("of 29 steps in one group, some go back:", steps_back > 0)
print("deduplicated by content:", sorted(by_content.keys() - {"ResponseMetadata"}))
assert steps_back > 0 and "SequenceNumber" not in by_content
PYTHON
