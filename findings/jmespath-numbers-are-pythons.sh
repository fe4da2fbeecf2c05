#!/usr/bin/env bash
# Versions: jmespath 1.1.0.
# Behaviour: to_number('1_000') is 1000, to_number(' 5 ') is 5 and to_number('nan') is NaN, so the result is no
#   longer JSON. contains(`[true]`, `1`) is true although `true` == `1` is false.
# Surprise: the specification wants a JSON number or null, and the library takes pains to keep true and 1 apart, in
#   the one place and not in the other.
# Source: https://jmespath.org/specification.html#to-number (texts that are no JSON number give null).
# Seen:
#   to_number('0x10')        None
#   to_number('1_000')       1000
#   to_number(' 5 ')         5
#   to_number('nan')         nan
#   `true` == `1`            False
#   contains(`[true]`, `1`)  True
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check jmespath==1.1.0

venv/bin/python - <<'PYTHON'
import math
from importlib.metadata import version

import jmespath

print("jmespath", version("jmespath"))
seen = {}
for expression in ("to_number('0x10')", "to_number('1_000')", "to_number(' 5 ')", "to_number('nan')",
                   "`true` == `1`", "contains(`[true]`, `1`)"):
    seen[expression] = jmespath.search(expression, {})
    print(f"{expression:24} {seen[expression]}")
assert list(seen.values())[:3] == [None, 1000, 5] and list(seen.values())[4:] == [False, True], seen
assert math.isnan(seen["to_number('nan')"])
PYTHON
