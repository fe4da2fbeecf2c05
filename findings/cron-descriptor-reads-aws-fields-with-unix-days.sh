#!/usr/bin/env bash
# Versions: cron-descriptor 2.2.1, aws-croniter 2.1.1.
# Behaviour: the six fields of AWS, whose last is the year, are recognised and described, with the days of the week a
#   day late: "0 12 ? * 2 *" is called Tuesday and runs on Mondays. Named days and "?" are read as AWS does.
# Surprise: five fields with seconds in front are the other six-field form, and the library tells the two apart by
#   their content; having seen AWS's form it keeps Unix's numbering, where 1 is Monday and not Sunday.
# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html (day of week 1-7 is
#   SUN-SAT).
# Seen:
#   0 12 ? * MON *   described: At 12:00 PM, only on Monday; runs on Monday
#   0 12 ? * 2 *     described: At 12:00 PM, only on Tuesday; runs on Monday
#   0 12 ? * 2 2027  described: At 12:00 PM, only on Tuesday, only in 2027; runs on Monday
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check cron-descriptor==2.2.1 aws-croniter==2.1.1

venv/bin/python - <<'PYTHON'
from datetime import datetime, timezone
from importlib.metadata import version

from aws_croniter import AwsCroniter
from cron_descriptor import get_description

for package in ("cron-descriptor", "aws-croniter"):
    print(package, version(package))
seen = []
for expression in ("0 12 ? * MON *", "0 12 ? * 2 *", "0 12 ? * 2 2027"):
    [run] = AwsCroniter(expression).get_next(datetime(2026, 11, 1, tzinfo=timezone.utc))
    seen.append((get_description(expression), f"{run:%A}"))
    print(f"{expression:16} described: {seen[-1][0]}; runs on {seen[-1][1]}")
assert [weekday for _, weekday in seen] == ["Monday"] * 3
assert ["Monday" in text for text, _ in seen] == [True, False, False], seen
assert all("Tuesday" in text for text, _ in seen[1:]), seen
PYTHON
