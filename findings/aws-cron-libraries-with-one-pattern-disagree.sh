#!/usr/bin/env bash
# Versions: aws-croniter 2.1.1, aws-cron-expression-validator 1.1.15.
# Behaviour: both libraries carry the same table of fields and nearly the same patterns, yet each takes what the
#   other refuses. aws-croniter wants the step of the year field to be a year itself: 2026/2 is refused and 2026/2000
#   is accepted. The validator refuses L-3 in the day of month.
# Surprise: both print the documented table (the year takes ", - * /"). Validating with one and evaluating with the
#   other is not safe in either direction; neither says so.
# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html (/ specifies increments).
# Seen:
#   0 0 1 1 ? 2026/2     croniter: AwsCroniterExpressionYearError   validator: accepted
#   0 0 1 1 ? 2026/2000  croniter: accepted                         validator: accepted
#   0 0 L-3 * ? *        croniter: accepted                         validator: AWSCronExpressionDayOfMonthError
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check aws-croniter==2.1.1 aws-cron-expression-validator==1.1.15

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from aws_cron_expression_validator.validator import AWSCronExpressionError, AWSCronExpressionValidator
from aws_croniter import AwsCroniter
from aws_croniter.exceptions import AwsCroniterExpressionError

for package in ("aws-croniter", "aws-cron-expression-validator"):
    print(package, version(package))


def verdict(check, expression, refusal):
    try:
        check(expression)
    except refusal as error:
        return type(error).__name__
    return "accepted"


seen = []
for expression in ("0 0 1 1 ? 2026/2", "0 0 1 1 ? 2026/2000", "0 0 L-3 * ? *"):
    seen.append(
        (
            verdict(AwsCroniter, expression, AwsCroniterExpressionError),
            verdict(AWSCronExpressionValidator.validate, expression, AWSCronExpressionError),
        )
    )
    print(f"{expression:20} croniter: {seen[-1][0]:32} validator: {seen[-1][1]}")
assert seen == [
    ("AwsCroniterExpressionYearError", "accepted"),
    ("accepted", "accepted"),
    ("accepted", "AWSCronExpressionDayOfMonthError"),
], seen
PYTHON
