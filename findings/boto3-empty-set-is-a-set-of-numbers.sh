#!/usr/bin/env bash
# Versions: boto3 1.43.106.
# Behaviour: an empty Python set becomes {"NS": []}, an empty set of numbers, and not an error; True in a set of
#   numbers becomes the number 1, while True alone is a BOOL.
# Surprise: a mixed set, a float and a frozen type error out at once in the serializer. DynamoDB has no empty set, so
#   the mistake shows up in the service's answer, about numbers that no caller ever had.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
#   (sets: not empty, all of one type).
# Seen:
#   a set of texts: {'SS': ['urgent']} - emptied: {'NS': []}
#   True in a set: ['1', '2'] - alone: {'BOOL': True}
#   a mixed set: TypeError
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check boto3==1.43.106

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from boto3.dynamodb.types import TypeSerializer

print("boto3", version("boto3"))
serialize = TypeSerializer().serialize
tags = {"urgent"}
before = serialize(tags)
tags.discard("urgent")
after = serialize(tags)
flags = serialize({True, 2})
print("a set of texts:", before, "- emptied:", after)
print("True in a set:", flags["NS"], "- alone:", serialize(True))
try:
    serialize({1, "a"})
except TypeError as error:
    print("a mixed set:", type(error).__name__)
else:
    raise SystemExit("a mixed set is accepted now")
assert (before, after) == ({"SS": ["urgent"]}, {"NS": []})
assert sorted(flags["NS"]) == ["1", "2"] and serialize(True) == {"BOOL": True}
PYTHON
