#!/usr/bin/env bash
# Versions: parliament 1.6.4.
# Behaviour: the policy that AWS documents for transactions only (five item actions under the condition
#   dynamodb:EnclosingOperation) is reported: unknown condition for ConditionCheckItem, fine for the other four.
#   kms:ResourceAliases, documented with kms:Decrypt, is unknown too, while kms:ViaService is known.
# Surprise: the data of the linter is made from AWS's own tables, so one expects a policy from AWS's own
#   documentation to pass.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html,
#   https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html (kms:ResourceAliases).
# Seen:
#   dynamodb:ConditionCheckItem  dynamodb:EnclosingOperation ['UNKNOWN_CONDITION_FOR_ACTION']
#   dynamodb:DeleteItem          dynamodb:EnclosingOperation []
#   dynamodb:GetItem             dynamodb:EnclosingOperation []
#   dynamodb:PutItem             dynamodb:EnclosingOperation []
#   dynamodb:UpdateItem          dynamodb:EnclosingOperation []
#   kms:Decrypt                  kms:ViaService              []
#   kms:Decrypt                  kms:ResourceAliases         ['UNKNOWN_CONDITION_FOR_ACTION']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check parliament==1.6.4 setuptools==75.8.0

venv/bin/python - <<'PYTHON'
import json
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
import parliament

print("parliament", version("parliament"))
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
KEY = "arn:aws:kms:us-east-1:123456789012:key/*"
ITEM_ACTIONS = ("ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem")
seen = {}
for action, resource, condition in [
    *((f"dynamodb:{name}", TABLE, {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}) for name in ITEM_ACTIONS),
    ("kms:Decrypt", KEY, {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}),
    ("kms:Decrypt", KEY, {"kms:ResourceAliases": "alias/queue"}),
]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    statement["Condition"] = {"ForAnyValue:StringEquals": condition}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    findings = parliament.analyze_policy_string(json.dumps(policy)).findings
    [name] = condition
    seen[action, name] = [finding.issue for finding in findings]
    print(f"{action:28} {name:27} {seen[action, name]}")
unknown = ["UNKNOWN_CONDITION_FOR_ACTION"]
assert {key for key, issues in seen.items() if issues == unknown} == {
    ("dynamodb:ConditionCheckItem", "dynamodb:EnclosingOperation"), ("kms:Decrypt", "kms:ResourceAliases")
}, seen
assert sum(map(bool, seen.values())) == 2, seen
PYTHON
