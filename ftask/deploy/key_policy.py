"""Whether a customer-managed key lets AWS's services use it: CloudWatch Logs for log groups, alarms for their topic.

CloudFormation finds out in the middle of a deployment, and an alarm only when it goes off. So a deployment reads the
key's policy first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ftask.aws.errors import translate
from ftask.aws.target import Target
from ftask.core.errors import FtaskError

Statement = Mapping[str, Any]

_LOG_CONTEXT = "kms:EncryptionContext:aws:logs:arn"
# Without these three no service can use a key; the statements name the others too, as AWS does.
_NEEDED = {"logs": ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"), "cloudwatch": ("kms:Decrypt",)}


def check_key(target: Target, key_arn: str, account: str, *, alarms: bool, warn: Callable[[str], None]) -> None:
    """Compare the key's policy with what the stage's services need; `warn` gets what could not be checked.

    `account` is the stage's, and `alarms` says whether it has any.

    Raises:
        FtaskError: the policy lacks a statement, or the key does not exist.
    """
    needed = needed_statements(target.stack_name, target.partition, target.region_name, account, alarms=alarms)
    try:
        policy = _read_policy(target, key_arn, account)
    except _UnreadableError as error:
        warn(
            f"The policy of the key {key_arn} was not checked. {error.message}"
            f" It has to have {_statements(len(needed))}:\n{_text(needed)}"
        )
        return
    missing = [statement for statement in needed if not allows(policy, statement)]
    if missing:
        services = " and ".join(statement["Principal"]["Service"] for statement in missing)
        raise FtaskError(
            f"The policy of the key {key_arn} does not let {services} use it. Nothing changed.",
            f"Add {_statements(len(missing))} to the key's policy (aws kms put-key-policy), and deploy again:\n"
            + _text(missing),
        )


class _UnreadableError(FtaskError):
    """The key's policy cannot be read; the message says why."""


def _read_policy(target: Target, key_arn: str, account: str) -> Any:
    # Only the key's own account may read its policy.
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
    if key_arn.split(":")[4] != account:
        raise _UnreadableError("The key belongs to another account.")
    try:
        return json.loads(target.kms.get_key_policy(KeyId=key_arn, PolicyName="default")["Policy"])
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NotFoundException":
            raise FtaskError(
                f"The key {key_arn} of KmsKeyArn does not exist. Nothing changed.",
                "See the keys of the region with: aws kms list-keys",
            ) from error
        raise _UnreadableError(translate(error).message) from error
    except BotoCoreError as error:
        raise _UnreadableError(translate(error).message) from error


def needed_statements(
    stack_name: str, partition: str, region: str, account: str, *, alarms: bool
) -> tuple[Statement, ...]:
    """Return the statements that a key's policy needs for the stage."""
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    log_groups = f"arn:{partition}:logs:{region}:{account}:log-group:/aws/*/{stack_name}-*"
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    logs = {
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{region}.{suffix}"},
        "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Resource": "*",
        "Condition": {"ArnLike": {_LOG_CONTEXT: log_groups}},
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


def allows(policy: Mapping[str, Any], needed: Statement) -> bool:
    """Whether the policy allows the service of a needed statement to use the key.

    In doubt it does: conditions other than on the log group are taken as met, and refusals are not looked at.
    """
    service: str = needed["Principal"]["Service"]
    log_groups = needed["Condition"].get("ArnLike", {}).get(_LOG_CONTEXT)
    granted = [
        pattern
        for statement in _listed(policy.get("Statement", []))
        if statement.get("Effect") == "Allow"
        and _names(statement.get("Principal"), service)
        and _fits(statement.get("Condition", {}), log_groups)
        for pattern in (_listed(statement["Action"]) if "Action" in statement else ["*"])
    ]
    actions = _NEEDED[service.partition(".")[0]]
    return all(any(fnmatchcase(action.lower(), pattern.lower()) for pattern in granted) for action in actions)


def _names(principal: Any, service: str) -> bool:
    if isinstance(principal, Mapping):
        return bool({service, "*"} & {*_listed(principal.get("Service", [])), *_listed(principal.get("AWS", []))})
    return principal in (None, "*")


def _fits(condition: Mapping[str, Mapping[str, Any]], log_groups: str | None) -> bool:
    """Whether the condition on the log group, if there is one, may be met by one of the stage's."""
    if log_groups is None:
        return True
    # One of them, for a pattern that names a single group.
    group = log_groups.replace("/aws/*/", "/aws/lambda/").removesuffix("*") + "worker"
    patterns = [
        pattern
        for operator, keys in condition.items()
        if operator.startswith(("Arn", "String")) and "Not" not in operator
        for key, values in keys.items()
        if key.lower() == _LOG_CONTEXT.lower()
        for pattern in _listed(values)
    ]
    return not patterns or any("${" in pattern or fnmatchcase(group, pattern) for pattern in patterns)


def _listed(value: Any) -> Iterator[Any]:
    """Yield the members of what a policy writes as a list, or as its only member."""
    yield from value if isinstance(value, list) else [value]


def _statements(count: int) -> str:
    return "this statement" if count == 1 else f"these {count} statements"


def _text(statements: list[Statement] | tuple[Statement, ...]) -> str:
    return ",\n".join(json.dumps(statement, indent=2) for statement in statements)
