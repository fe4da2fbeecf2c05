#!/usr/bin/env bash
# Versions: aws-croniter 2.1.1.
# Behaviour: LW, the last weekday of the month, passes the library's own validation and then fails as int("L"), with
#   a bare ValueError instead of an error of the library. L alone in the day of week passes too and never fires: no
#   run in ten years. 7L, the last Saturday of a month, works.
# Surprise: the patterns name LW and L explicitly, so one expects them to work (AWS documents L in that field as the
#   last day of the week) or to be refused. Code that catches the library's errors lets the one through; the other
#   looks like a schedule whose years have passed.
# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html (wildcards L and W).
# Seen:
#   LW: ValueError: invalid literal for int() with base 10: 'L'; one of the library's: False
#   runs in ten years: {'L': 0, '7L': 120, '7': 522}
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check aws-croniter==2.1.1

venv/bin/python - <<'PYTHON'
from datetime import datetime, timezone
from importlib.metadata import version

from aws_croniter import AwsCroniter
from aws_croniter.exceptions import AwsCroniterExpressionError

print("aws-croniter", version("aws-croniter"))
try:
    AwsCroniter("0 0 LW * ? *")
except ValueError as error:
    print(f"LW: {type(error).__name__}: {error}; one of the library's: {isinstance(error, AwsCroniterExpressionError)}")
    assert type(error) is ValueError
else:
    raise SystemExit("LW is read now")
begin, end = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2026, 2036))
runs = {days: len(AwsCroniter(f"0 0 ? * {days} *").get_all_schedule_bw_dates(begin, end)) for days in ("L", "7L", "7")}
print("runs in ten years:", runs)
assert runs == {"L": 0, "7L": 120, "7": 522}, runs
PYTHON
