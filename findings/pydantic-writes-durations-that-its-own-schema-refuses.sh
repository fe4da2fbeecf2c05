#!/usr/bin/env bash
# Versions: pydantic 2.14.4, jsonschema 4.26.0 with isoduration 20.11.0, jsonschema-rs 0.61.2, ajv 8.20.0 with
#   ajv-formats 3.0.1 (npm).
# Behaviour: pydantic's schema of a timedelta is a text of the format "duration". Half a second is written as PT0.5S, a
#   negative day as -P1D and 400 days as P1Y35D. jsonschema takes all three; jsonschema-rs refuses all three, ajv the
#   first two.
# Surprise: writer and schema come from one library, and the schema in the mode "serialization" promises what is
#   written. JSON Schema's duration is the grammar of RFC 3339: no fraction, no sign, and no days after years without
#   months. A payload that passes the check in Python is refused by the same schema in Rust or JavaScript.
# Source: https://json-schema.org/draft/2020-12/json-schema-validation#section-7.3.1 and appendix A of RFC 3339.
# Seen:
#   PT0.5S  jsonschema True  jsonschema-rs False  ajv false
#   -P1D    jsonschema True  jsonschema-rs False  ajv false
#   P1Y35D  jsonschema True  jsonschema-rs False  ajv true
#   PT1H    jsonschema True  jsonschema-rs True   ajv true
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check pydantic==2.14.4 jsonschema==4.26.0 \
  isoduration==20.11.0 jsonschema-rs==0.61.2
npm install --silent --no-audit --no-fund --prefix "$folder" ajv@8.20.0 ajv-formats@3.0.1

venv/bin/python - <<'PYTHON'
import json
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import jsonschema
import jsonschema_rs
from pydantic import TypeAdapter

for name in ("pydantic", "jsonschema", "isoduration", "jsonschema-rs"):
    print(name, version(name))
durations = TypeAdapter(timedelta)
schema = durations.json_schema(mode="serialization")
written = [
    durations.dump_python(value, mode="json")
    for value in (timedelta(seconds=0.5), timedelta(days=-1), timedelta(days=400), timedelta(hours=1))
]
in_python = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
in_rust = jsonschema_rs.validator_for(schema, validate_formats=True)
seen = {text: (in_python.is_valid(text), in_rust.is_valid(text)) for text in written}
for text, (python, rust) in seen.items():
    print(f"{text:7} jsonschema {python}  jsonschema-rs {rust}")
assert seen == {"PT0.5S": (True, False), "-P1D": (True, False), "P1Y35D": (True, False), "PT1H": (True, True)}, seen
Path("written.json").write_text(json.dumps({"schema": schema, "written": written}))
PYTHON

node - <<'JAVASCRIPT'
const assert = require("node:assert");
const Ajv = require("ajv/dist/2020");
const ajv = new Ajv();
require("ajv-formats")(ajv);

const { schema, written } = require("./written.json");
const isValid = ajv.compile(schema);
const seen = written.map((text) => isValid(text));
written.forEach((text, place) => console.log(text.padEnd(7), "ajv", seen[place]));
assert.deepStrictEqual(seen, [false, false, true, true]);
JAVASCRIPT
