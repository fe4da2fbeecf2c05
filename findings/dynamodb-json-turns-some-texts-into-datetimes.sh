#!/usr/bin/env bash
# Versions: dynamodb-json 1.4.2.
# Behaviour: a text that reads like an ISO time with exactly six digits after the second comes back as a naive
#   datetime; with "Z", or without the digits, it stays a text. A set is written as a list, bytes as a text, and
#   neither comes back.
# Surprise: the item holds type S, which says text. datetime.now().isoformat() has six digits except once in a
#   million calls, when it has none, so the type of a field changes with the clock.
# Source: the README of the package (native Python types to DynamoDB's JSON and back).
# Seen:
#   '2026-01-01T00:00:00.000001'   {"v": {"S": "2026-01-01T00:00:00.000001"}}   datetime.datetime(2026, 1, 1, 0, 0, 0, 1)
#   '2026-01-01T00:00:00'          {"v": {"S": "2026-01-01T00:00:00"}}          '2026-01-01T00:00:00'
#   '2026-01-01T00:00:00.000001Z'  {"v": {"S": "2026-01-01T00:00:00.000001Z"}}  '2026-01-01T00:00:00.000001Z'
#   {1, 2}                         {"v": {"L": [{"N": "1"}, {"N": "2"}]}}       [1, 2]
#   b'ab'                          {"v": {"S": "ab"}}                           'ab'
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check dynamodb-json==1.4.2

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from dynamodb_json import json_util

print("dynamodb-json", version("dynamodb-json"))
seen = []
for value in ("2026-01-01T00:00:00.000001", "2026-01-01T00:00:00", "2026-01-01T00:00:00.000001Z", {1, 2}, b"ab"):
    written = json_util.dumps({"v": value})
    seen.append(json_util.loads(written)["v"])
    print(f"{value!r:30} {written:44} {seen[-1]!r}")
kinds = [type(value).__name__ for value in seen]
assert kinds == ["datetime", "str", "str", "list", "str"], kinds
PYTHON
