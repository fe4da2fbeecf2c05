#!/usr/bin/env bash
# Versions: celery 5.7.0.
# Behaviour: crontab(minute=0) with timezone Europe/Berlin (enable_utc left on) is not due at 02:00 CET, the second
#   02:00 of 25 October: no run for two hours. In spring, where an hour is missing, every real hour has its run.
# Surprise: with enable_utc one expects hours to be counted in UTC, and of a repeated hour at most one run too many.
#   An hourly job that computes "the last hour" loses one hour a year.
# Source: https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html (time zones).
# Seen:
#   March: 23:00Z 00:00Z 01:00Z 02:00Z 03:00Z 04:00Z - hours between: [1, 1, 1, 1, 1]
#   October: 23:00Z 00:00Z 02:00Z 03:00Z 04:00Z - hours between: [1, 2, 1, 1]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check celery==5.7.0

venv/bin/python - <<'PYTHON'
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from zoneinfo import ZoneInfo

from celery import Celery
from celery.schedules import crontab

print("celery", version("celery"))
BERLIN = ZoneInfo("Europe/Berlin")
app = Celery()
app.conf.timezone = "Europe/Berlin"
gaps = {}
for day in (datetime(2026, 3, 28, 22, 30, tzinfo=timezone.utc), datetime(2026, 10, 24, 22, 30, tzinfo=timezone.utc)):
    moment, last, runs = day, day, []
    schedule = crontab(minute=0, app=app, nowfun=lambda: moment.astimezone(BERLIN))
    while moment < day + timedelta(hours=6):
        if schedule.is_due(last.astimezone(BERLIN)).is_due:
            runs.append(moment)
            last = moment
        moment += timedelta(minutes=1)
    gaps[day.month] = [(later - earlier) // timedelta(hours=1) for earlier, later in zip(runs, runs[1:])]
    print(f"{day:%B}:", " ".join(f"{run:%H:%MZ}" for run in runs), "- hours between:", gaps[day.month])
assert app.conf.enable_utc is True
assert set(gaps[3]) == {1} and sorted(set(gaps[10])) == [1, 2], gaps
PYTHON
