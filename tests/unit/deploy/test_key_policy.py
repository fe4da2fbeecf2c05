from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.deploy.key_policy import allows, check_key, needed_statements

KEY = "arn:aws:kms:eu-west-1:123456789012:key/12345678-1234-1234-1234-123456789012"
ACCOUNT = "123456789012"
LOGS, CLOUDWATCH = needed_statements("ftask-prod", "aws", "eu-west-1", ACCOUNT, alarms=True)
OF_ACCOUNT = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}


def checked(policy: Any = None, *, error: str | None = None, key: str = KEY, alarms: bool = True) -> list[str]:
    """The warnings of a check of a key with this policy."""
    target = Target("prod", region="eu-west-1")
    kms = botocore.session.get_session().create_client(
        "kms", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    stubber = Stubber(kms)
    if error is not None:
        stubber.add_client_error("get_key_policy", error, "no")
    else:
        asked = {"KeyId": KEY, "PolicyName": "default"}
        stubber.add_response("get_key_policy", {"Policy": json.dumps(policy)}, asked)
    stubber.activate()
    vars(target)["kms"] = kms  # where the cached client would be
    warnings: list[str] = []
    check_key(target, key, ACCOUNT, alarms=alarms, warn=warnings.append)
    return warnings


def test_a_key_with_both_statements_is_good() -> None:
    assert checked({"Statement": [OF_ACCOUNT, LOGS, CLOUDWATCH]}) == []


def test_the_missing_statements_are_printed() -> None:
    # What KMS gives to a new key.
    with pytest.raises(FtaskError, match=r"logs\.eu-west-1\.amazonaws\.com and cloudwatch\.amazonaws\.com") as refused:
        checked({"Statement": [OF_ACCOUNT]})
    hint = str(refused.value.hint)
    assert json.loads("[" + hint.partition("\n")[2] + "]") == [LOGS, CLOUDWATCH]


def test_without_alarms_a_key_needs_no_statement_for_them() -> None:
    assert checked({"Statement": [OF_ACCOUNT, LOGS]}, alarms=False) == []
    with pytest.raises(FtaskError, match=r"does not let cloudwatch\.amazonaws\.com use it"):
        checked({"Statement": [OF_ACCOUNT, LOGS]})


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"Action": "kms:*"}, True),
        ({"Action": ["kms:encrypt", "kms:Decrypt", "kms:GenerateDataKey"]}, True),
        ({"Action": ["kms:Decrypt*"]}, False),
        ({"Effect": "Deny"}, False),
        ({"Principal": {"Service": ["s3.amazonaws.com", "logs.eu-west-1.amazonaws.com"]}}, True),
        ({"Principal": {"Service": "logs.us-east-1.amazonaws.com"}}, False),
        ({"Principal": "*"}, True),
        ({"Condition": {}}, True),
        ({"Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}}, True),
        ({"Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:*:123456789012:*"}}}, True),
        ({"Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:*:*:log-group:/b"}}}, False),
    ],
)
def test_a_statement_counts_if_it_may_be_about_the_stages_log_groups(changes: dict[str, Any], allowed: bool) -> None:
    assert allows({"Statement": {**LOGS, **changes}}, LOGS) is allowed


@pytest.mark.parametrize(
    ("error", "key"), [("AccessDeniedException", KEY), (None, KEY.replace(ACCOUNT, "210987654321"))]
)
def test_a_policy_that_cannot_be_read_is_a_warning_with_the_statements(error: str | None, key: str) -> None:
    (warning,) = checked({}, error=error, key=key)
    assert "was not checked" in warning
    assert "cloudwatch.amazonaws.com" in warning


def test_a_key_that_does_not_exist_is_refused() -> None:
    with pytest.raises(FtaskError, match="does not exist"):
        checked(error="NotFoundException")
