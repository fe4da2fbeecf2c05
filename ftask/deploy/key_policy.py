"""The statements that the policy of a customer-managed key needs: CloudWatch Logs encrypts, alarms publish with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Statement = Mapping[str, Any]


def needed_statements(
    stack_name: str, partition: str, region: str, account: str, *, alarms: bool
) -> tuple[Statement, ...]:
    """Return the statements that a key's policy needs for the stage; `alarms` says whether it has any."""
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
