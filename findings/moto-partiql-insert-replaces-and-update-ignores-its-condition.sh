#!/usr/bin/env bash
# Versions: moto 5.2.5, py-partiql-parser 0.6.3, boto3 1.43.106.
# Behaviour: a PartiQL INSERT of an existing key replaces the item, alone, in a batch and in a transaction. An UPDATE
#   whose WHERE does not hold changes nothing and succeeds.
# Surprise: INSERT is the create-only statement, and PutItem with a condition works in the same moto. AWS answers
#   DuplicateItemException and ConditionalCheckFailedException; two submissions with one id both seem to win here.
# Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html and
#   ql-reference.update.html
# Seen:
#   after each INSERT: [{'alone'}, {'batch'}, {'transaction'}] - errors in the batch: [None]
#   an UPDATE whose condition is false: 200 {'transaction'}
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
with mock_aws():
    dynamodb = boto3.client("dynamodb", region_name="us-east-1")
    dynamodb.create_table(
        TableName="tasks",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def stored():
        return dynamodb.get_item(TableName="tasks", Key={"id": {"S": "a"}})["Item"]

    def insert(value):
        return "INSERT INTO tasks VALUE {'id': 'a', '%s': 1}" % value

    seen = []
    dynamodb.put_item(TableName="tasks", Item={"id": {"S": "a"}, "old": {"N": "1"}})
    dynamodb.execute_statement(Statement=insert("alone"))
    seen.append(set(stored()) - {"id"})
    batch = dynamodb.batch_execute_statement(Statements=[{"Statement": insert("batch")}])["Responses"]
    seen.append(set(stored()) - {"id"})
    dynamodb.execute_transaction(TransactStatements=[{"Statement": insert("transaction")}])
    seen.append(set(stored()) - {"id"})
    update = "UPDATE tasks SET n = ? WHERE id = ? AND state = ?"
    answer = dynamodb.execute_statement(Statement=update, Parameters=[{"N": "2"}, {"S": "a"}, {"S": "no"}])
    print("after each INSERT:", seen, "- errors in the batch:", [entry.get("Error") for entry in batch])
    print("an UPDATE whose condition is false:", answer["ResponseMetadata"]["HTTPStatusCode"], set(stored()) - {"id"})
    assert seen == [{"alone"}, {"batch"}, {"transaction"}], seen
    assert not any("Error" in entry for entry in batch) and "n" not in stored()
PYTHON
