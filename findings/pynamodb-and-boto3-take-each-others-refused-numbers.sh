#!/usr/bin/env bash
# Versions: pynamodb 6.1.0, boto3 1.43.106.
# Behaviour: PynamoDB's NumberAttribute takes a float and refuses a Decimal; boto3 takes a Decimal and refuses a
#   float. PynamoDB writes True as the number "true", which is none, and reads 38 digits back as a float of 17.
# Surprise: DynamoDB's numbers are decimals, which is boto3's reason. A value read through one of them cannot be
#   written through the other in the same program.
# Source: https://pynamodb.readthedocs.io/en/stable/attributes.html (NumberAttribute),
#   https://docs.aws.amazon.com/boto3/latest/reference/customizations/dynamodb.html (valid types).
# Seen:
#   0.5             pynamodb: 0.5        boto3: TypeError
#   Decimal('0.5')  pynamodb: TypeError  boto3: {'N': '0.5'}
#   True            pynamodb: true       boto3: {'BOOL': True}
#   0.12345678901234567890123456789012345678 read by pynamodb: 0.12345678901234568
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check pynamodb==6.1.0 boto3==1.43.106

venv/bin/python - <<'PYTHON'
from decimal import Decimal
from importlib.metadata import version

from boto3.dynamodb.types import TypeSerializer
from pynamodb.attributes import NumberAttribute

for package in ("pynamodb", "boto3"):
    print(package, version(package))


def outcome(serialize, value):
    try:
        return serialize(value)
    except TypeError as error:
        return type(error).__name__


seen = []
for value in (0.5, Decimal("0.5"), True):
    seen.append((outcome(NumberAttribute().serialize, value), outcome(TypeSerializer().serialize, value)))
    print(f"{value!r:15} pynamodb: {seen[-1][0]:10} boto3: {seen[-1][1]}")
digits = "0.12345678901234567890123456789012345678"
back = NumberAttribute().deserialize(digits)
print(digits, "read by pynamodb:", repr(back))
assert seen == [("0.5", "TypeError"), ("TypeError", {"N": "0.5"}), ("true", {"BOOL": True})], seen
assert repr(back) == "0.12345678901234568", back
PYTHON
