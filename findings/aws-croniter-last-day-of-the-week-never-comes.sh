#!/usr/bin/env bash
# Versions: aws-croniter 2.1.1.
# Behaviour: L alone in the day of week is accepted and never fires: the next run is None, and no run is found in ten
#   years. 7L, the last Saturday of a month, does fire.
# Surprise: AWS documents L in that field as the last day of the week, so every Saturday; a refusal would be the
#   other plausible answer. None is what the library says of a schedule whose years have passed.
# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html (wildcard L).
# Seen:
#   L: next run None - runs in ten years 0
#   7L: next run 2026-01-31 00:00:00+00:00
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

begin, end = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2026, 2036))
[run] = AwsCroniter("0 0 ? * L *").get_next(begin)
runs = AwsCroniter("0 0 ? * L *").get_all_schedule_bw_dates(begin, end)
[saturday] = AwsCroniter("0 0 ? * 7L *").get_next(begin)
print("aws-croniter", version("aws-croniter"))
print("L: next run", run, "- runs in ten years", len(runs))
print("7L: next run", saturday)
assert run is None and runs == []
assert saturday.isoweekday() == 6
PYTHON
