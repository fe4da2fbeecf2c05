#!/usr/bin/env bash
# Versions: aws-croniter 2.1.1.
# Behaviour: a search for the next run gives up after ten steps, two of which are used up by each year. It then
#   answers None, as it does for a schedule that never fires: for the fifth Saturday of February (2020, then 2048)
#   and, around the year 2100, even for 29 February.
# Surprise: both expressions are valid and their years are inside the documented bounds (1970 to 2199). The same call
#   finds 2020 from 2016, so a test with a near date passes.
# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html (#, and years 1970-2199).
# Seen:
#   0 9 ? FEB SAT#5 *  after March 2016: 2020-02-29 09:00:00+00:00
#   0 9 ? FEB SAT#5 *  after March 2021: None
#   0 9 29 FEB ? *     after March 2026: 2028-02-29 09:00:00+00:00
#   0 9 29 FEB ? *     after March 2096: None
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check aws-croniter==2.1.1

venv/bin/python - <<'PYTHON'
import calendar
from datetime import datetime, timezone
from importlib.metadata import version

from aws_croniter import AwsCroniter

print("aws-croniter", version("aws-croniter"))
seen = {}
for expression, year in [("0 9 ? FEB SAT#5 *", 2016), ("0 9 ? FEB SAT#5 *", 2021), ("0 9 29 FEB ? *", 2026), ("0 9 29 FEB ? *", 2096)]:
    [run] = AwsCroniter(expression).get_next(datetime(year, 3, 1, tzinfo=timezone.utc))
    seen[expression, year] = run and run.year
    print(f"{expression:18} after March {year}: {run}")
assert calendar.weekday(2048, 2, 29) == calendar.SATURDAY
assert calendar.isleap(2104)
assert list(seen.values()) == [2020, None, 2028, None], seen
PYTHON
