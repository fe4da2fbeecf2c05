#!/usr/bin/env bash
# Versions: APScheduler 3.11.3, croniter 7.0.0.
# Behaviour: CronTrigger.from_crontab("0 9 * * mon#2") is accepted and fires every Monday: what follows the name of a
#   weekday is dropped. The same with a number, "1#2", is refused.
# Surprise: a parser that does not know # should refuse it, as it does L, W and the numeric form; the monthly job
#   becomes a weekly one.
# Source: https://apscheduler.readthedocs.io/en/3.x/modules/triggers/cron.html (expression types: no #).
# Seen:
#   croniter    ['09 November', '14 December', '11 January']
#   apscheduler ['02 November', '09 November', '16 November']
#   with a number: Unrecognized expression "1#2" for field "day_of_week"
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check apscheduler==3.11.3 croniter==7.0.0

venv/bin/python - <<'PYTHON'
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

from apscheduler.triggers.cron import CronTrigger
from croniter import croniter

for package in ("apscheduler", "croniter"):
    print(package, version(package))
trigger = CronTrigger.from_crontab("0 9 * * mon#2", timezone=timezone.utc)
moment = datetime(2026, 11, 1, tzinfo=timezone.utc)
iterator = croniter("0 9 * * mon#2", moment)
expected = [f"{iterator.get_next(datetime):%d %B}" for _ in range(3)]
seen = []
for _ in range(3):
    moment = trigger.get_next_fire_time(None, moment)
    seen.append(f"{moment:%d %B}")
    moment += timedelta(minutes=1)
print("croniter   ", expected)
print("apscheduler", seen)
try:
    CronTrigger.from_crontab("0 9 * * 1#2")
except ValueError as error:
    print("with a number:", error)
else:
    raise SystemExit("1#2 is accepted now")
assert expected == ["09 November", "14 December", "11 January"], expected
assert seen == ["02 November", "09 November", "16 November"], seen
PYTHON
