#!/usr/bin/env bash
# Versions: jsonschema 4.26.0, jsonschema-rs 0.60.3.
# Behaviour: 19.99 is a multiple of 0.01 for jsonschema-rs and not for jsonschema; the Arabic digit three matches
#   ^\d+$ for jsonschema and not for jsonschema-rs.
# Surprise: Schemathesis judges answers with the one while a Python service commonly validates with the other. A
#   price of 19.99 is refused by the service and valid for its tests; for the pattern it is the other way round.
# Source: https://json-schema.org/understanding-json-schema/reference/regular_expressions (patterns as in ECMA-262,
#   where \d is 0-9), https://json-schema.org/understanding-json-schema/reference/numeric (multiples).
# Seen:
#   {'multipleOf': 0.01}    0.5      jsonschema: True  jsonschema-rs: True
#   {'multipleOf': 0.01}    19.99    jsonschema: False jsonschema-rs: True
#   {'pattern': '^\\d+$'}   '5'      jsonschema: True  jsonschema-rs: True
#   {'pattern': '^\\d+$'}   '\u0663' jsonschema: True  jsonschema-rs: False
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check jsonschema==4.26.0 jsonschema-rs==0.60.3

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import jsonschema_rs
from jsonschema import Draft202012Validator

for package in ("jsonschema", "jsonschema-rs"):
    print(package, version(package))
seen = []
for schema, instance in [
    ({"multipleOf": 0.01}, 0.5),
    ({"multipleOf": 0.01}, 19.99),
    ({"pattern": r"^\d+$"}, "5"),
    ({"pattern": r"^\d+$"}, "\u0663"),
]:
    seen.append((Draft202012Validator(schema).is_valid(instance), jsonschema_rs.validator_for(schema).is_valid(instance)))
    print(f"{schema!s:23} {instance!a:8} jsonschema: {seen[-1][0]!s:5} jsonschema-rs: {seen[-1][1]}")
assert seen == [(True, True), (False, True), (True, True), (True, False)], seen
PYTHON
