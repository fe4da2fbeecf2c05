#!/usr/bin/env bash
# Versions: ministack 1.5.33, boto3 1.43.106.
# Behaviour: with PERSIST_STATE=1, an engine is stopped and started again with another GATEWAY_PORT. Queue, function and
#   mapping are there, the queue takes messages by its name, the mapping says Enabled; no message is ever taken out.
#   At the port that it had before, they are.
# Surprise: queues are kept under the URL that they were made with, port included. The poller looks for the URL of now,
#   and passes over a mapping whose queue it does not find, without a line in the log.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
# Seen:
#   port before: 0 left of 1 - another port: 1 left of 1, mapping Enabled - port before: 0 left of 1
set -euo pipefail

folder=$(mktemp -d)
engine=
trap 'if [[ -n $engine ]]; then kill "$engine"; wait "$engine" || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check ministack==1.5.33 boto3==1.43.106
mkdir home
free_port() { venv/bin/python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
serve() {
  HOME=$folder/home TMPDIR=$folder BIND_HOST=127.0.0.1 IOT_MTLS_ENABLED=0 GATEWAY_PORT=$1 PERSIST_STATE=1 \
    STATE_DIR=$folder/state venv/bin/ministack >> engine.log 2>&1 &
  engine=$!
  for _ in {1..150}; do
    (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null && break
    sleep 0.2
  done
  export AWS_ENDPOINT_URL=http://127.0.0.1:$1
}
stop() {
  kill "$engine"
  wait "$engine" || true
  engine=
}
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
first=$(free_port)
cat > make.py <<'PYTHON'
import io
import zipfile
from importlib.metadata import version

import boto3

for package in ("ministack", "boto3"):
    print(package, version(package))
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as file:
    file.writestr("worker.py", "def handle(event, context):\n    return {}\n")
boto3.client("lambda").create_function(
    FunctionName="f",
    Runtime="python3.12",
    Role="arn:aws:iam::000000000000:role/any",
    Handler="worker.handle",
    Code={"ZipFile": archive.getvalue()},
)
boto3.client("sqs").create_queue(QueueName="q")
boto3.client("lambda").create_event_source_mapping(
    EventSourceArn="arn:aws:sqs:us-east-1:000000000000:q", FunctionName="f"
)
PYTHON
cat > drain.py <<'PYTHON'
import sys
import time

import boto3

sqs, functions = boto3.client("sqs"), boto3.client("lambda")
url = sqs.get_queue_url(QueueName="q")["QueueUrl"]
names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


def left():
    return sum(int(count) for count in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values())


before = left()
if not before:
    sqs.send_message(QueueUrl=url, MessageBody="x")
deadline = time.monotonic() + (15 if sys.argv[1] == "1" else 60)
while left() and time.monotonic() < deadline:
    time.sleep(0.2)
state = functions.list_event_source_mappings()["EventSourceMappings"][0]["State"]
print("messages left:", left(), "- mapping:", state)
assert (left(), state) == (int(sys.argv[1]), "Enabled")
PYTHON
serve "$first"
venv/bin/python make.py
venv/bin/python drain.py 0
stop
serve "$(free_port)"
venv/bin/python drain.py 1
stop
serve "$first"
venv/bin/python drain.py 0
