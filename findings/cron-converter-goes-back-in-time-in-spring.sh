#!/usr/bin/env bash
# Versions: cron-converter 2.0.2.
# Behaviour: the runs of "*/30 * * * *" in Berlin on the last Sunday of March step back from 01:30 UTC to 01:00 UTC,
#   so two instants are announced twice. In October the second 02:00 and 02:30 are left out: an hour without a run.
# Surprise: the iterator is given an aware start with a zone of zoneinfo and returns aware datetimes; one expects at
#   worst a skipped or doubled local time, not a next() that is earlier than the one before.
# Source: the README of the package (schedules with a time zone, next() and prev()).
# Seen:
#   March: 00:00Z 00:30Z 01:00Z 01:30Z 01:00Z 01:30Z steps in minutes: [30, 30, 30, -30, 30]
#   October: 00:00Z 00:30Z 02:00Z 02:30Z 03:00Z 03:30Z steps in minutes: [30, 90, 30, 30, 30]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check cron-converter==2.0.2

venv/bin/python - <<'PYTHON'
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from zoneinfo import ZoneInfo

from cron_converter import Cron

print("cron-converter", version("cron-converter"))
BERLIN = ZoneInfo("Europe/Berlin")
steps = {}
for start in (datetime(2026, 3, 29, 0, 45, tzinfo=BERLIN), datetime(2026, 10, 25, 1, 45, tzinfo=BERLIN)):
    schedule = Cron("*/30 * * * *").schedule(start)
    runs = [schedule.next().astimezone(timezone.utc) for _ in range(6)]
    steps[start.month] = [(later - earlier) // timedelta(minutes=1) for earlier, later in zip(runs, runs[1:])]
    print(f"{start:%B}:", " ".join(f"{run:%H:%MZ}" for run in runs), "steps in minutes:", steps[start.month])
assert min(steps[3]) < 0 and max(steps[10]) == 90, steps
PYTHON
