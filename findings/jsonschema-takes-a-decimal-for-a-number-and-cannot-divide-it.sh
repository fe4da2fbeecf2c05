#!/usr/bin/env bash
# Versions: jsonschema 4.26.0.
# Behaviour: a Decimal is a valid "number", is never an "integer" (Decimal("2") is not, 2.0 is), and under
#   "multipleOf": 0.5 it raises TypeError instead of being valid or not. minimum and maximum work.
# Surprise: json.loads(text, parse_float=Decimal) is the usual way to money and to DynamoDB, and "number" was let in
#   on purpose; whether validation raises depends on a keyword of the schema.
# Source: https://python-jsonschema.readthedocs.io/en/stable/validate/ (types: number is numbers.Number).
# Seen:
#   {'type': 'number'}    Decimal('1.5')  True
#   {'minimum': 1.0}      Decimal('1.5')  True
#   {'type': 'integer'}   2.0             True
#   {'type': 'integer'}   Decimal('2')    False
#   {'multipleOf': 0.5}   1.5             True
#   {'multipleOf': 0.5}   Decimal('1.5')  TypeError
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check jsonschema==4.26.0

venv/bin/python - <<'PYTHON'
from decimal import Decimal
from importlib.metadata import version

from jsonschema import Draft202012Validator

print("jsonschema", version("jsonschema"))
seen = []
for schema, instance in [
    ({"type": "number"}, Decimal("1.5")),
    ({"minimum": 1.0}, Decimal("1.5")),
    ({"type": "integer"}, 2.0),
    ({"type": "integer"}, Decimal("2")),
    ({"multipleOf": 0.5}, 1.5),
    ({"multipleOf": 0.5}, Decimal("1.5")),
]:
    try:
        seen.append(Draft202012Validator(schema).is_valid(instance))
    except TypeError as error:
        seen.append(type(error).__name__)
    print(f"{schema!s:21} {instance!r:15} {seen[-1]}")
assert seen == [True, True, True, False, True, "TypeError"], seen
PYTHON
