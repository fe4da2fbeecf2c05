#!/usr/bin/env bash
# Versions: moto 5.2.5, py-partiql-parser 0.6.3, boto3 1.43.106.
# Behaviour: an UPDATE works with "?" and parameters and fails with literals; a DELETE works with literals and fails
#   with parameters. The failure is a bare AssertionError.
# Surprise: one expects PartiQL to be supported statement by statement. The error is no ClientError and has no text,
#   so it looks like a failed assertion of the test itself.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html (its examples use
#   literals).
# Seen:
#   UPDATE tasks SET n = 2 WHERE id = 'a'            AssertionError('')
#   UPDATE tasks SET n = ? WHERE id = ?              works
#   DELETE FROM tasks WHERE id = 'a'                 works
#   DELETE FROM tasks WHERE id = ?                   AssertionError('')
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check moto==5.2.5 py-partiql-parser==0.6.3 boto3==1.43.106

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import boto3
from moto import mock_aws

for package in ("moto", "py-partiql-parser", "boto3"):
    print(package, version(package))
STATEMENTS = [
    ("UPDATE tasks SET n = 2 WHERE id = 'a'", ()),
    ("UPDATE tasks SET n = ? WHERE id = ?", ("2", "a")),
    ("DELETE FROM tasks WHERE id = 'a'", ()),
    ("DELETE FROM tasks WHERE id = ?", ("a",)),
]
seen = []
with mock_aws():
    dynamodb = boto3.client("dynamodb", region_name="us-east-1")
    dynamodb.create_table(
        TableName="tasks",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for statement, values in STATEMENTS:
        dynamodb.put_item(TableName="tasks", Item={"id": {"S": "a"}, "n": {"S": "one"}})
        arguments = {"Parameters": [{"S": value} for value in values]} if values else {}
        try:
            dynamodb.execute_statement(Statement=statement, **arguments)
            seen.append("works")
        except AssertionError as error:
            seen.append(f"AssertionError({str(error)!r})")
        print(f"{statement:48} {seen[-1]}")
assert seen == ["AssertionError('')", "works", "works", "AssertionError('')"], seen
PYTHON
