#!/usr/bin/env bash
# Versions: croniter 7.0.0, cronsim 2.8.
# Behaviour: the daily "30 2" in Berlin. Where 02:30 does not exist both libraries run at 03:00, as Debian's cron
#   does. Where 02:30 comes twice cronsim runs once, as Debian's cron does, and croniter runs twice.
# Surprise: the two halves are one rule (a job at a fixed time runs exactly once a day). With the first half
#   implemented one expects the second; other libraries take a skipped 02:30 for 03:30.
# Source: https://manpages.debian.org/bookworm/cron/cron.8.en.html (daylight saving time).
# Seen:
#   croniter 29 March: 29 03:00 CEST, 30 02:30 CEST = 29 01:00Z, 30 00:30Z
#   cronsim  29 March: 29 03:00 CEST, 30 02:30 CEST = 29 01:00Z, 30 00:30Z
#   croniter 25 October: 25 02:30 CEST, 25 02:30 CET = 25 00:30Z, 25 01:30Z
#   cronsim  25 October: 25 02:30 CEST, 26 02:30 CET = 25 00:30Z, 26 01:30Z
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check croniter==7.0.0 cronsim==2.8

venv/bin/python - <<'PYTHON'
from datetime import datetime, timezone
from importlib.metadata import version
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

for package in ("croniter", "cronsim"):
    print(package, version(package))
BERLIN = ZoneInfo("Europe/Berlin")
seen = {}
for change in (datetime(2026, 3, 29, tzinfo=BERLIN), datetime(2026, 10, 25, tzinfo=BERLIN)):
    runs, simulated = croniter("30 2 * * *", change), CronSim("30 2 * * *", change)
    for name, values in [
        ("croniter", [runs.get_next(datetime) for _ in range(2)]),
        ("cronsim", [next(simulated) for _ in range(2)]),
    ]:
        utc = [value.astimezone(timezone.utc) for value in values]
        seen[name, change.month] = sum(value.date() == change.date() for value in utc)
        print(f"{name:8} {change:%d %B}:", ", ".join(f"{value:%d %H:%M %Z}" for value in values), "=",
              ", ".join(f"{value:%d %H:%MZ}" for value in utc))
        if change.month == 3:
            assert utc[0] == datetime(2026, 3, 29, 1, tzinfo=timezone.utc), utc
assert seen == {("croniter", 3): 1, ("cronsim", 3): 1, ("croniter", 10): 2, ("cronsim", 10): 1}, seen
PYTHON
