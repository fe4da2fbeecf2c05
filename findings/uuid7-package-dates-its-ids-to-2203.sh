#!/usr/bin/env bash
# Versions: uuid7 0.1.0, python-ulid 4.1.0.
# Behaviour: the ids of the package uuid7 carry version 7 and their variant, and the time in a layout of an early
#   draft: whole seconds in the first 36 bits. Read as RFC 9562 says (48 bits of milliseconds) an id of 2026 is from
#   2203.
# Surprise: the ids sort, and uuid.UUID(...).version is 7, so nothing looks wrong until another library or a database
#   reads the time or sorts them among its own.
# Source: https://www.rfc-editor.org/rfc/rfc9562#section-5.7
# Seen:
#   06b0cbc8-0000-7000-8000-198c40309778 version 7 - specified in RFC 4122
#   made on 2026-11-30, by RFC 9562 2203-02-12, by the draft 2026-11-30
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check uuid7==0.1.0

venv/bin/python - <<'PYTHON'
from datetime import datetime, timezone
from importlib.metadata import version

from uuid_extensions import uuid7

print("uuid7", version("uuid7"))
moment = datetime(2026, 11, 30, tzinfo=timezone.utc)
identifier = uuid7(int(moment.timestamp()) * 10**9)
by_rfc = datetime.fromtimestamp(int(identifier.hex[:12], 16) / 1000, timezone.utc)
by_draft = datetime.fromtimestamp(identifier.int >> 92, timezone.utc)
print(identifier, "version", identifier.version, "-", identifier.variant)
print(f"made on {moment:%F}, by RFC 9562 {by_rfc:%F}, by the draft {by_draft:%F}")
assert identifier.version == 7 and by_draft == moment and by_rfc.year == 2203
PYTHON
