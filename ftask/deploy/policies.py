"""The policies of the team's: of the project's tasks, of their secrets, and of a customer-managed key.

The tasks' policy is what they may do in AWS beyond ftask's own work; only the worker's role gets it. It is read before
a deployment, so that a mistake is known before CloudFormation has begun.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftask.core.errors import FtaskError

# A role's inline policies together have at most 10,240 characters; ftask's own need up to 1,500 of them.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MAX_CHARACTERS = 8_500

_DOCUMENT_KEYS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_KEYS = frozenset({"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"})
_ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
_EXAMPLE = (
    "A policy looks like this:\n"
    '{"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::my-bucket/*"}]}'
)

# What `submits` allows: the calls that submit tasks and read how they ended.
SUBMITS = (
    {
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": [
            {"Fn::Sub": f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/v1/{route}"}
            for route in ("POST/tasks", "POST/tasks/batch", "POST/tasks/query", "GET/tasks/*")
        ],
    },
)


@dataclass(frozen=True, slots=True)
class TasksPolicy:
    """The statements of a project's policy, and what is doubtful about them."""

    statements: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()


def read_policy(path: Path) -> TasksPolicy:
    """Return the policy in a file.

    Raises:
        FtaskError: the file is not JSON, or not a policy that a role can have.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise FtaskError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise FtaskError(f"Cannot read {path}: it is not UTF-8 ({error}).", "Save it as UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise FtaskError(f"Invalid policy {path}: it is not JSON: {error}.", _EXAMPLE) from None
    if not isinstance(document, dict) or "Statement" not in document:
        raise _invalid(path, 'it is not an object with "Statement"')
    if unknown := sorted(document.keys() - _DOCUMENT_KEYS):
        raise _invalid(path, f"unknown element {unknown[0]!r}")
    if document.get("Version", "2012-10-17") != "2012-10-17":
        raise _invalid(path, f'"Version" is {document["Version"]!r}; expected "2012-10-17"')
    listed = document["Statement"]
    statements = listed if isinstance(listed, list) else [listed]
    for number, statement in enumerate(statements, 1):
        if problem := _problem(statement):
            raise _invalid(path, f"statement {number}: {problem}")
    if (size := len(json.dumps(statements, separators=(",", ":")))) > MAX_CHARACTERS:
        raise FtaskError(
            f"Invalid policy {path}: it has {size:,} characters; the worker's role takes at most {MAX_CHARACTERS:,}.",
            "Shorten it, for example with wildcards in the names of resources.",
        )
    return TasksPolicy(tuple(statements), tuple(_warnings(path, statements)))


def secrets_statements(secrets: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the statements that allow to read these secrets, and no others; they are ARNs by name."""
    kinds = {"secretsmanager": "secretsmanager:GetSecretValue", "ssm": "ssm:GetParameter"}
    statements = []
    for service, action in kinds.items():
        arns = sorted({arn for arn in secrets.values() if arn.split(":")[2] == service})
        if arns:
            statements.append({"Effect": "Allow", "Action": action, "Resource": arns})
    return statements


def key_statements(
    stack_name: str, partition: str, region: str, account: str, *, alarms: bool
) -> tuple[Mapping[str, Any], ...]:
    """Return the statements that a key's policy needs: CloudWatch Logs encrypts with it, and alarms publish."""
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    log_groups = f"arn:{partition}:logs:{region}:{account}:log-group:/aws/*/{stack_name}-*"
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    logs = {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.{suffix}"},
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
    }
    # A topic is encrypted in the name of who publishes: here that is the alarm.
    # https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    cloudwatch = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return (logs, cloudwatch) if alarms else (logs,)


def _invalid(path: Path, reason: str) -> FtaskError:
    return FtaskError(f"Invalid policy {path}: {reason}.", _EXAMPLE)


def _problem(statement: Any) -> str | None:
    """Return what is wrong with a statement, or None."""
    if not isinstance(statement, dict):
        return "it is not an object"
    if {"Principal", "NotPrincipal"} & statement.keys():
        return 'remove "Principal": the worker\'s role is the principal'
    if unknown := sorted(statement.keys() - _STATEMENT_KEYS):
        return f"unknown element {unknown[0]!r}"
    if statement.get("Effect") not in ("Allow", "Deny"):
        return f'"Effect" is {statement.get("Effect")!r}; expected "Allow" or "Deny"'
    for names in (("Action", "NotAction"), ("Resource", "NotResource")):
        if len(statement.keys() & set(names)) != 1:
            return f"it needs either {names[0]!r} or {names[1]!r}"
    for action in _values(statement, "Action"):
        if not isinstance(action, str) or not _ACTION.fullmatch(action):
            return f"{action!r} is not an action like s3:GetObject"
    for resource in _values(statement, "Resource"):
        if not _is_resource(resource):
            return f'{resource!r} is not an ARN, "*" or {{"Fn::Sub": "arn:…"}}'
    if not isinstance(statement.get("Condition", {}), dict):
        return '"Condition" is not an object'
    return None


def _values(statement: Mapping[str, Any], name: str) -> list[Any]:
    value = statement.get(name, statement.get(f"Not{name}"))
    return value if isinstance(value, list) else [value]


def _is_resource(value: Any) -> bool:
    if isinstance(value, dict) and value.keys() == {"Fn::Sub"}:
        value = value["Fn::Sub"]
    return isinstance(value, str) and (value == "*" or value.startswith("arn:"))


def _warnings(path: Path, statements: list[Mapping[str, Any]]) -> Iterator[str]:
    for number, statement in enumerate(statements, 1):
        if statement["Effect"] != "Allow":
            continue
        if "NotAction" in statement:
            what = "all actions but a few"
        else:
            what = ", ".join(action for action in _values(statement, "Action") if action == "*" or action[-2:] == ":*")
        if what and ("NotResource" in statement or "*" in _values(statement, "Resource")):
            yield (
                f"{path}, statement {number} allows {what} on every resource. "
                "Name the actions and the resources that the tasks use."
            )
