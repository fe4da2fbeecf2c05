#!/usr/bin/env bash
# Versions: python-ulid 4.1.0.
# Behaviour: ULID.from_timestamp() reads a float as seconds and an int as milliseconds, so
#   from_timestamp(int(time.time())) makes an id of January 1970 that sorts before all others. The property timestamp
#   gives seconds back for both.
# Surprise: 1796000000 and 1796000000.0 are equal in Python and a type checker takes an int for a float;
#   datetime.fromtimestamp and the ULID's own timestamp are in seconds.
# Source: https://python-ulid.readthedocs.io (from_timestamp).
# Seen:
#   int:   1970-01-21 18:53:20+00:00
#   float: 2026-11-30 00:53:20+00:00
#   an id from the int's own timestamp: 1970-01-21 18:53:20+00:00
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check python-ulid==4.1.0

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from ulid import ULID

print("python-ulid", version("python-ulid"))
moment = 1796000000
whole, exact = ULID.from_timestamp(moment), ULID.from_timestamp(float(moment))
print("int:  ", whole.datetime)
print("float:", exact.datetime)
print("an id from the int's own timestamp:", ULID.from_timestamp(int(exact.timestamp)).datetime)
assert moment == float(moment) and (whole.datetime.year, exact.datetime.year) == (1970, 2026)
PYTHON
