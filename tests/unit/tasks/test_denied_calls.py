"""A call that AWS denied: the failure names the statement that would allow it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from ftask.tasks.tracebacks import explain_denied_call, missing_statement, traceback_text

USER = "arn:aws:sts::123456789012:assumed-role/ftask-prod-WorkerRole/ftask-prod-worker"
TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"


def denied(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "Call")


@pytest.mark.parametrize(
    ("message", "action", "resource"),
    [
        pytest.param(
            f"User: {USER} is not authorized to perform: dynamodb:GetItem on resource: {TABLE} because no "
            "identity-based policy allows the dynamodb:GetItem action",
            "dynamodb:GetItem",
            TABLE,
            id="most services",
        ),
        pytest.param(
            f'User: {USER} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::letters/a b" because '
            "no identity-based policy allows the s3:PutObject action",
            "s3:PutObject",
            "arn:aws:s3:::letters/a b",
            id="S3",
        ),
        pytest.param(
            f"User `{USER}' is not authorized to perform `ses:SendEmail' on resource "
            "`arn:aws:ses:eu-central-1:123456789012:identity/example.org'",
            "ses:SendEmail",
            "arn:aws:ses:eu-central-1:123456789012:identity/example.org",
            id="SES",
        ),
        pytest.param(
            "You are not authorized to perform this operation. "
            f"User: {USER} is not authorized to perform: ec2:DescribeInstances because no identity-based policy "
            "allows the ec2:DescribeInstances action",
            "ec2:DescribeInstances",
            "ARN",
            id="without a resource",
        ),
    ],
)
def test_the_statement_allows_what_was_denied(message: str, action: str, resource: str) -> None:
    assert missing_statement(denied(message)) == {"Effect": "Allow", "Action": action, "Resource": resource}


@pytest.mark.parametrize(
    "error",
    [
        denied(f"User: {USER} is not authorized to perform: sqs:SendMessage on resource: q with an explicit deny in a "
               "service control policy"),
        denied(f"User: {USER} is not authorized to perform: s3:GetObject on resource: b because no permissions "
               "boundary allows the s3:GetObject action"),
        denied("Access Denied"),
        ClientError({}, "Call"),
        ValueError("is not authorized to perform: s3:GetObject"),
    ],
    ids=["explicit deny", "boundary", "no details", "no message", "not of AWS"],
)  # fmt: skip
def test_nothing_is_advised_where_the_policy_of_the_tasks_cannot_help(error: Exception) -> None:
    assert missing_statement(error) is None
    explain_denied_call(error)
    assert not hasattr(error, "__notes__")


def test_the_note_is_part_of_the_traceback_also_of_an_error_raised_from_the_denied_call() -> None:
    error = LookupError("no order")
    error.__cause__ = denied(f"User: {USER} is not authorized to perform: dynamodb:GetItem on resource: {TABLE}")
    explain_denied_call(error)
    statement = f'{{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "{TABLE}"}}'
    assert traceback_text(error).splitlines()[-2:] == [
        "LookupError: no order",
        f"To allow it, add this statement to the policy of the tasks, policy.json: {statement}",
    ]
