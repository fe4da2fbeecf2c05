#!/usr/bin/env bash
# Versions: dynamodb-json 1.4.2, boto3 1.43.106.
# Behaviour: a map whose keys are names of DynamoDB's types is taken for a typed value. The stock by size {"S": 3,
#   "M": 4} is read as the text "3", the medium ones are gone; {"M": 4} alone is read as the number 4.
# Surprise: DynamoDB's JSON is unambiguous, because types and keys alternate; boto3's deserializer reads the same
#   input right. The first size that a shop adds decides whether the item survives.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html (data type
#   descriptors).
# Seen:
#   {"stock": {"M": {"XL": {"N": "5"}}}}                     read as {'XL': 5}
#   {"stock": {"M": {"M": {"N": "4"}}}}                      read as 4
#   {"stock": {"M": {"S": {"N": "3"}, "M": {"N": "4"}}}}     read as '3'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check dynamodb-json==1.4.2 boto3==1.43.106

venv/bin/python - <<'PYTHON'
import json
from importlib.metadata import version

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from dynamodb_json import json_util

for package in ("dynamodb-json", "boto3"):
    print(package, version(package))
seen = []
for stock in ({"XL": 5}, {"M": 4}, {"S": 3, "M": 4}):
    typed = {"stock": TypeSerializer().serialize(stock)}
    assert TypeDeserializer().deserialize(typed["stock"]) == stock
    seen.append(json_util.loads(json.dumps(typed))["stock"])
    print(f"{json.dumps(typed):56} read as {seen[-1]!r}")
assert seen == [{"XL": 5}, 4, "3"], seen
PYTHON
