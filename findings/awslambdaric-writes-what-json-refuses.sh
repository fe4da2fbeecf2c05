#!/usr/bin/env bash
# Versions: awslambdaric 4.2.2, simplejson 4.3.0.
# Behaviour: the runtime that encodes a Python function's result writes a Decimal as a number with all its digits
#   (1.10, or 1E+400, which no double holds), bytes inside the result as text, and NaN as NaN, which is no JSON. A
#   datetime it refuses.
# Surprise: one expects json.dumps, which refuses a Decimal and bytes. A test that calls the handler and dumps the
#   result fails where Lambda works, and an expert who warns of Decimal results in Lambda is wrong for this runtime.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html (the result must be serializable by
#   json.dumps).
# Seen:
#   Decimal('1.10')                         awslambdaric: 1.10       json: TypeError
#   Decimal('1E+400')                       awslambdaric: 1E+400     json: TypeError
#   [b'text']                               awslambdaric: ["text"]   json: TypeError
#   nan                                     awslambdaric: NaN        json: NaN
#   datetime.datetime(2026, 1, 1, 0, 0)     awslambdaric: TypeError  json: TypeError
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check awslambdaric==4.2.2 simplejson==4.3.0

venv/bin/python - <<'PYTHON'
import json
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version

from awslambdaric.lambda_runtime_marshaller import to_json

for package in ("awslambdaric", "simplejson"):
    print(package, version(package))


def encoded(dump, value):
    try:
        return dump(value)
    except TypeError as error:
        return type(error).__name__


seen = []
for value in (Decimal("1.10"), Decimal("1E+400"), [b"text"], float("nan"), datetime(2026, 1, 1)):
    seen.append((encoded(to_json, value), encoded(json.dumps, value)))
    print(f"{value!r:39} awslambdaric: {seen[-1][0]:10} json: {seen[-1][1]}")
refused = "TypeError"
assert seen == [
    ("1.10", refused), ("1E+400", refused), ('["text"]', refused), ("NaN", "NaN"), (refused, refused)
], seen
PYTHON
