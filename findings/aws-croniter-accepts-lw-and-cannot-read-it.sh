#!/usr/bin/env bash
# Versions: aws-croniter 2.1.1.
# Behaviour: LW, the last weekday of the month, passes the library's own validation of the day of month and then
#   fails as int("L"), with a bare ValueError instead of an error of the library.
# Surprise: the pattern names LW explicitly, so one expects it either to work or to be refused with
#   AwsCroniterExpressionDayOfMonthError. Code that catches the library's errors lets this one through.
# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html (L and W in the day of
#   month).
# Seen:
#   LW is a valid day of month: True
#   ValueError: invalid literal for int() with base 10: 'L'; one of the library's: False
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check aws-croniter==2.1.1

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from aws_croniter import AwsCroniter
from aws_croniter.exceptions import AwsCroniterExpressionError
from aws_croniter.utils import RegexUtils

print("aws-croniter", version("aws-croniter"))
valid = RegexUtils.fullmatch_field("day_of_month", RegexUtils.day_of_month_regex, "LW")
print("LW is a valid day of month:", valid)
try:
    AwsCroniter("0 0 LW * ? *")
except ValueError as error:
    print(f"{type(error).__name__}: {error}; one of the library's: {isinstance(error, AwsCroniterExpressionError)}")
    assert type(error) is ValueError
else:
    raise SystemExit("LW is read now")
assert valid
PYTHON
