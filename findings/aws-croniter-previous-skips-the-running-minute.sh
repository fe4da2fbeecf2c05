#!/usr/bin/env bash
# Versions: aws-croniter 2.1.1.
# Behaviour: asked at 12:00:30 for the previous run of a daily "12:00" schedule, it answers yesterday.
#   get_final_execution_time, which promises the last run strictly before its end, loses the same run.
# Surprise: 12:00:00 lies before 12:00:30. The next run is searched from the minute after, so one expects the
#   previous one from the minute that runs; the search starts a whole minute earlier. Only a moment at second 0 is
#   treated right.
# Source: the README of the package (get_prev: the executions before the date), the docstring of
#   get_final_execution_time: strictly before to_date.
# Seen:
#   asked at     2026-10-31 12:00:30+00:00
#   previous     2026-10-30 12:00:00+00:00
#   final before 2026-10-30 12:00:00+00:00
#   every minute 2026-10-31 11:59:00+00:00
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

noon = AwsCroniter("0 12 * * ? *")
begin, moment = (datetime(2026, 10, day, 12, 0, 30, tzinfo=timezone.utc) for day in (1, 31))
[previous] = noon.get_prev(moment)
final = noon.get_final_execution_time(begin, moment)
[minute] = AwsCroniter("* * * * ? *").get_prev(moment)
print("aws-croniter", version("aws-croniter"))
print("asked at    ", moment)
print("previous    ", previous)
print("final before", final)
print("every minute", minute)
assert previous == final == datetime(2026, 10, 30, 12, tzinfo=timezone.utc)
assert minute == datetime(2026, 10, 31, 11, 59, tzinfo=timezone.utc)
PYTHON
