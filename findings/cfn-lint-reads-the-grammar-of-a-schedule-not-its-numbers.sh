#!/usr/bin/env bash
# Versions: cfn-lint 1.58.0.
# Behaviour: the rule E3027 refuses "rate(1 minutes)", and a cron expression with both days set, where its message
#   calls the minute the faulty value. It accepts minute 99, hour 24, month 13 and the year 1066. For "rate(0
#   minutes)" it says that 0 is less than the minimum of 0.
# Surprise: the ranges are the simpler half of the documented table, and numbers elsewhere are checked against their
#   bounds (the DelaySeconds of a queue, the MemorySize of a function).
# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html (values).
# Seen:
#   rate(1 minutes)        ["E3027 'minutes' is not one of ['minute', 'hour', 'day']"]
#   cron(0 12 * * * *)     ["E3027 '0' specifies both Day-of-month and Day-of-week. (Minutes Hours Day-of-month Month Day-of-week Year)"]
#   cron(99 12 * * ? *)    []
#   cron(0 24 * * ? *)     []
#   cron(0 12 * 13 ? *)    []
#   cron(0 12 1 1 ? 1066)  []
#   rate(0 minutes)        ["E3027 '0' is less than the minimum of 0", "E3027 'minutes' is not one of ['minute', 'hour', 'day']"]
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check cfn-lint==1.58.0

venv/bin/python - <<'PYTHON'
import json
from importlib.metadata import version

from cfnlint.api import lint
from cfnlint.config import ManualArgs

print("cfn-lint", version("cfn-lint"))
seen = {}
for expression in (
    "rate(1 minutes)", "cron(0 12 * * * *)", "cron(99 12 * * ? *)", "cron(0 24 * * ? *)", "cron(0 12 * 13 ? *)",
    "cron(0 12 1 1 ? 1066)", "rate(0 minutes)",
):
    rule = {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": expression}}
    matches = lint(json.dumps({"Resources": {"Rule": rule}}), config=ManualArgs(regions=["us-east-1"]))
    seen[expression] = [f"{match.rule.id} {match.message}" for match in matches]
    print(f"{expression:22} {seen[expression]}")
assert [len(messages) for messages in seen.values()] == [1, 1, 0, 0, 0, 0, 2], seen
assert any("'0' is less than the minimum of 0" in message for message in seen["rate(0 minutes)"])
PYTHON
