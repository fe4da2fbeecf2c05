"""The template's policies under a policy linter, with what CloudFormation would put in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.resources import NO_RESOURCES_TO_NAME, role_policies, template

ARNS = {
    "Table": "arn:aws:dynamodb:us-east-1:123456789012:table/t",
    "Queue": "arn:aws:sqs:us-east-1:123456789012:q",
    "DeadLetterQueue": "arn:aws:sqs:us-east-1:123456789012:d",
    "ApiLogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:a",
    "WorkerLogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:w",
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
    "SchedulerRole": "arn:aws:iam::123456789012:role/s",
    "ScheduleGroup": "g",
    "AlarmTopic": "arn:aws:sns:us-east-1:123456789012:t",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
}


def resolved(value: Any) -> Any:
    """The value with the intrinsic functions that the policies use carried out."""
    if isinstance(value, list):
        return [resolved(each) for each in value]
    if not isinstance(value, dict):
        return str(value)
    match dict(value):
        case {"Ref": name}:
            return ARNS[name]
        case {"Fn::GetAtt": [name, "Arn"]} | {"Fn::GetAtt": str(name)}:
            return ARNS[name.removesuffix(".Arn")]
        case {"Fn::Sub": text}:
            for name, arn in ARNS.items():
                text = str(text).replace(f"${{{name}.Arn}}", arn).replace(f"${{{name}}}", arn)
            return text
    return {str(key): resolved(each) for key, each in value.items()}


def test_a_policy_linter_finds_nothing(tmp_path: Path) -> None:
    for role, document in role_policies(template()["Conditions"]).items():
        # A file for each statement, so that a finding can be told to belong to one.
        for statement in resolved(document)["Statement"]:
            single = {"Version": "2012-10-17", "Statement": [statement]}
            (tmp_path / f"{role}-{statement['Sid']}.json").write_text(json.dumps(single))
    linter = Path(sys.executable).parent / "parliament"
    done = subprocess.run(
        [linter, "--json", "--directory", tmp_path], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = {(Path(line["location"]["filepath"]).stem.partition("-")[2], line["issue"]) for line in lines}
    # Something is always found, which shows that the linter has read the folder.
    assert found
    assert found <= {(statement, "RESOURCE_STAR") for statement in NO_RESOURCES_TO_NAME}
