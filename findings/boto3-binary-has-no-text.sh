#!/usr/bin/env bash
# Versions: boto3 1.43.106.
# Behaviour: bytes read from DynamoDB come back as boto3's Binary, for which str() raises TypeError: its __str__
#   returns the bytes. A dict that holds one prints (through repr), the value alone does not; it has no length
#   either.
# Surprise: it equals and hashes like the bytes that were written, so tests that compare pass, and the first log line
#   with f"{value}" fails in production.
# Source: https://docs.aws.amazon.com/boto3/latest/reference/customizations/dynamodb.html (valid types: bytes and
#   Binary).
# Seen:
#   equal: True - same hash: True - in a dict: {'token': Binary(b'token')}
#   TypeError: __str__ returned non-string (type bytes)
#   TypeError: object of type 'Binary' has no len()
#   TypeError: __str__ returned non-string (type bytes)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check boto3==1.43.106

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from boto3.dynamodb.types import TypeDeserializer

print("boto3", version("boto3"))
value = TypeDeserializer().deserialize({"B": b"token"})
print("equal:", value == b"token", "- same hash:", hash(value) == hash(b"token"), "- in a dict:", {"token": value})
failures = []
for action in (str, len, "{}".format):
    try:
        action(value)
    except TypeError as error:
        failures.append(str(error))
        print("TypeError:", error)
assert value == b"token"
assert len(failures) == 3, failures
PYTHON
