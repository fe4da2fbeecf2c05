from __future__ import annotations

from ftask.deploy.key_policy import needed_statements


def test_a_key_is_for_the_log_groups_of_the_stage_and_for_its_alarms_if_it_has_any() -> None:
    logs, cloudwatch = needed_statements("ftask-prod", "aws", "eu-west-1", "123456789012", alarms=True)
    assert logs["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    assert logs["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/*/ftask-prod-*"
        }
    }
    assert cloudwatch["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert needed_statements("ftask-prod", "aws", "eu-west-1", "123456789012", alarms=False) == (logs,)


def test_in_china_the_logs_service_has_another_name() -> None:
    (logs,) = needed_statements("ftask-prod", "aws-cn", "cn-north-1", "123456789012", alarms=False)
    assert logs["Principal"] == {"Service": "logs.cn-north-1.amazonaws.com.cn"}
