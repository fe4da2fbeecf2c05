#!/usr/bin/env bash
# Versions: aws-lambda-powertools 3.37.0.
# Behaviour: process_partial_response() calls the record handler with the keyword "record". A handler whose parameter
#   has another name fails with TypeError for every message, which is counted as the failure of that message: all of
#   them are retried and end in the dead-letter queue.
# Surprise: a handler of one positional parameter is what the type hint (a Callable) asks for, and the wrong name is
#   known before the first message; nothing says so until the whole batch has failed.
# Source: https://docs.powertools.aws.dev/lambda/python/latest/utilities/batch/ (its examples call the parameter
#   record).
# Seen:
#   parameter record: {'batchItemFailures': []}
#   parameter message: TypeError - an unexpected keyword argument 'record'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check aws-lambda-powertools==3.37.0 boto3==1.43.106

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

print("aws-lambda-powertools", version("aws-lambda-powertools"))
event = {"Records": [{"messageId": "1", "body": "x", "eventSource": "aws:sqs", "attributes": {}}]}
calls = []


def by_convention(record):
    calls.append(record.message_id)


def by_another_name(message):
    calls.append(message.message_id)


processor = BatchProcessor(event_type=EventType.SQS)
answer = process_partial_response(event, by_convention, processor)
print("parameter record:", answer)
try:
    process_partial_response(event, by_another_name, processor)
except BatchProcessingError as error:
    [(kind, reason, _)] = error.child_exceptions
    print("parameter message:", kind.__name__, "-", str(reason).split(" got ")[1])
else:
    raise SystemExit("another name works now")
assert answer == {"batchItemFailures": []} and calls == ["1"] and kind is TypeError
PYTHON
