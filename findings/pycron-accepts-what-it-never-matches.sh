#!/usr/bin/env bash
# Versions: pycron 3.3.0, croniter 7.0.0.
# Behaviour: pycron.is_now() is False on every day for "7" (Sunday) in the day of week, in every hour for the range
#   "22-2" and in every minute for "5/10". Nothing is raised.
# Surprise: a wrong field ("61") is not raised either, but these are right: croniter reads all three. In a loop that
#   polls is_now() the job just never runs.
# Source: https://manpages.debian.org/bookworm/cron/crontab.5.en.html (day of week 0-7).
# Seen:
#   0 0 * * 0        pycron: 1 of 7, croniter: 1
#   0 0 * * 7        pycron: 0 of 7, croniter: 1
#   0 22-2 * * *     pycron: 0 of 24, croniter: 5
#   5/10 * * * *     pycron: 0 of 60, croniter: 6
#   5-55/10 * * * *  pycron: 6 of 60, croniter: 6
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check pycron==3.3.0 croniter==7.0.0

venv/bin/python - <<'PYTHON'
from datetime import datetime, timedelta
from importlib.metadata import version

import pycron
from croniter import croniter

for package in ("pycron", "croniter"):
    print(package, version(package))
MONDAY = datetime(2026, 11, 2)
seen = []
for expression, step, count in [
    ("0 0 * * 0", timedelta(days=1), 7),
    ("0 0 * * 7", timedelta(days=1), 7),
    ("0 22-2 * * *", timedelta(hours=1), 24),
    ("5/10 * * * *", timedelta(minutes=1), 60),
    ("5-55/10 * * * *", timedelta(minutes=1), 60),
]:
    moments = [MONDAY + step * index for index in range(count)]
    seen.append(
        (
            sum(pycron.is_now(expression, moment) for moment in moments),
            sum(croniter.match(expression, moment) for moment in moments),
        )
    )
    print(f"{expression:16} pycron: {seen[-1][0]} of {count}, croniter: {seen[-1][1]}")
assert seen == [(1, 1), (0, 1), (0, 5), (0, 6), (6, 6)], seen
PYTHON
