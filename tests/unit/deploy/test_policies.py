from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode.cfn_yaml import loads

from ftask.core.codec import body_fields
from ftask.core.errors import FtaskError
from ftask.core.firings import Firing, firing_from
from ftask.core.manifest import Options, TaskType, TypeSchedule
from ftask.deploy.policies import TasksPolicy, key_statements, read_policy, secrets_statements
from ftask.deploy.template import MAX_TEMPLATE_BYTES, read_template, schedule_id, template_with

READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:List*"], "Resource": "arn:aws:s3:::bucket/*"}


def policy(folder: Path, content: Any) -> TasksPolicy:
    path = folder / "policy.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_policy(path)


def of(**changes: Any) -> dict[str, Any]:
    """A policy of one statement."""
    return {"Statement": [{name: value for name, value in (READ | changes).items() if value is not None}]}


def test_a_byte_order_mark_is_no_part_of_the_policy_and_utf_16_is_refused(tmp_path: Path) -> None:
    assert policy(tmp_path, "\ufeff" + json.dumps(of())).statements == (READ,)
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(of()), encoding="utf-16")
    with pytest.raises(FtaskError, match="it is not UTF-8"):
        read_policy(path)


@pytest.mark.parametrize(
    "content",
    [
        of(),
        {"Version": "2012-10-17", "Statement": READ},
        of(Resource=["*"]),
        of(Resource={"Fn::Sub": "arn:${AWS::Partition}:s3:::bucket-${AWS::Region}/*"}),
        of(Effect="Deny", Action=None, NotAction="s3:*", Resource="*"),
        of(Condition={"StringEquals": {"aws:ResourceAccount": "123456789012"}}),
    ],
)
def test_a_policy_is_read_without_a_warning(tmp_path: Path, content: Any) -> None:
    listed = content["Statement"]
    statements = listed if isinstance(listed, list) else [listed]
    assert policy(tmp_path, content) == TasksPolicy(tuple(statements))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", r"policy\.json: it is not JSON: .*line 1"),
        ("[" * 100_000, "it is not JSON"),
        ([], 'not an object with "Statement"'),
        ({"Statements": []}, 'not an object with "Statement"'),
        ({"Statement": [], "Versoin": "x"}, "unknown element 'Versoin'"),
        ({"Statement": [], "Version": "2008-10-17"}, "\"Version\" is '2008-10-17'"),
        ({"Statement": ["s3:GetObject"]}, "statement 1: it is not an object"),
        (of(Principal="*"), 'statement 1: remove "Principal"'),
        (of(Resources="*"), "unknown element 'Resources'"),
        (of(Effect="allow"), "\"Effect\" is 'allow'"),
        (of(Action=None), "needs either 'Action' or 'NotAction'"),
        (of(NotAction="s3:*"), "needs either 'Action' or 'NotAction'"),
        (of(Resource=None), "needs either 'Resource' or 'NotResource'"),
        (of(Action="GetObject"), "'GetObject' is not an action"),
        (of(Action=[3]), "3 is not an action"),
        (of(Resource="my-bucket"), "'my-bucket' is not an ARN"),
        (of(Resource={"Ref": "Table"}), "is not an ARN"),
        (of(Condition=[]), '"Condition" is not an object'),
        (of(Resource=[f"arn:aws:s3:::bucket-{number}/*" for number in range(400)]), "takes at most 8,500"),
    ],
)
def test_what_is_not_a_policy_is_refused_with_the_reason(tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(FtaskError, match=says):
        policy(tmp_path, content)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"Action": "*", "Resource": "*"}, r"allows \* on every resource"),
        ({"Action": ["sqs:SendMessage", "s3:*"], "Resource": ["*"]}, r"allows s3:\* on every resource"),
        ({"Action": None, "NotAction": "iam:*", "Resource": "*"}, "allows all actions but a few on every"),
        ({"Action": "s3:*", "Resource": None, "NotResource": "arn:aws:s3:::b"}, r"allows s3:\* on every"),
    ],
)
def test_wildcard_actions_on_every_resource_are_doubtful(tmp_path: Path, changes: Any, what: str) -> None:
    (warning,) = policy(tmp_path, of(**changes)).warnings
    assert re.search(what, warning)


def test_the_workers_role_gets_the_statements() -> None:
    resources = loads(template_with([READ]))["Resources"]
    assert resources.keys() - loads(read_template())["Resources"].keys() == {"TasksPolicy"}
    added = resources["TasksPolicy"]
    assert (added["Type"], added["Condition"]) == ("AWS::IAM::Policy", "Serves")
    assert added["Properties"]["Roles"] == [{"Ref": "WorkerRole"}]
    assert added["Properties"]["PolicyDocument"]["Statement"] == [READ]


def test_the_policy_is_there_before_code_that_may_need_it_runs() -> None:
    resources = loads(template_with([READ]))["Resources"]
    assert resources["WorkerFunction"]["DependsOn"] == "TasksPolicy"
    # No message is delivered before the function is there.
    assert resources["WorkerSource"]["Properties"]["FunctionName"] == {"Ref": "WorkerFunction"}


def test_a_template_without_statements_is_as_installed() -> None:
    assert template_with(()) == read_template()


def test_a_template_that_becomes_too_large_is_refused() -> None:
    with pytest.raises(FtaskError, match="CloudFormation takes 51,200"):
        template_with([READ | {"Sid": "x" * MAX_TEMPLATE_BYTES}])


def test_a_template_with_many_schedules_is_sent_without_what_only_people_read() -> None:
    types = [TaskType(f"report_{number}", options=Options(schedule=TypeSchedule(every="1h"))) for number in range(25)]
    template = template_with([READ], types)
    assert len(template.encode()) <= MAX_TEMPLATE_BYTES
    sent, whole = loads(template), loads(read_template())
    assert sent["Parameters"].keys() == whole["Parameters"].keys()
    assert len(sent["Resources"]) == len(whole["Resources"]) + 25 + 1
    for name in whole["Resources"].keys() - {"WorkerFunction"}:
        assert sent["Resources"][name] == {k: v for k, v in whole["Resources"][name].items() if k != "Metadata"}
    assert sent["Outputs"].keys() == whole["Outputs"].keys()


def test_each_secret_is_granted_by_its_arn_alone() -> None:
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-AbCdEf"
    parameter = "arn:aws:ssm:eu-central-1:123456789012:parameter/stripe"
    assert secrets_statements({"A": parameter, "B": secret, "C": secret}) == [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": [secret]},
        {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": [parameter]},
    ]
    assert secrets_statements({}) == []


def test_a_key_is_for_the_log_groups_of_the_stage_and_for_its_alarms_if_it_has_any() -> None:
    logs, cloudwatch = key_statements("ftask-prod", "aws", "eu-west-1", "123456789012", alarms=True)
    assert logs["Principal"] == {"Service": "logs.eu-west-1.amazonaws.com"}
    assert logs["Condition"] == {
        "ArnLike": {
            "kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/*/ftask-prod-*"
        }
    }
    assert cloudwatch["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert key_statements("ftask-prod", "aws", "eu-west-1", "123456789012", alarms=False) == (logs,)


def test_in_china_the_logs_service_has_another_name() -> None:
    (logs,) = key_statements("ftask-prod", "aws-cn", "cn-north-1", "123456789012", alarms=False)
    assert logs["Principal"] == {"Service": "logs.cn-north-1.amazonaws.com.cn"}


def test_a_scheduled_type_has_a_schedule_in_the_group_of_the_stack_that_sends_its_firing_to_the_queue() -> None:
    types = [
        TaskType("report.daily", options=Options(schedule=TypeSchedule("0 6 * * ? *", "Europe/Kyiv"))),
        TaskType("report_daily", options=Options(schedule=TypeSchedule(every="1h"))),
        TaskType("greet"),
    ]
    resources = loads(template_with([READ], types))["Resources"]
    added = {name: resources[name] for name in resources.keys() - loads(read_template())["Resources"].keys()}
    assert added.keys() == {schedule_id("report.daily"), schedule_id("report_daily"), "TasksPolicy"}
    schedule = added[schedule_id("report.daily")]
    # The worker that knows its type is there first, and none of it stays with the data alone.
    assert (schedule["DependsOn"], schedule["Condition"]) == ("WorkerFunction", "Serves")
    properties = schedule["Properties"]
    assert properties["ScheduleExpression"] == "cron(0 6 * * ? *)"
    assert properties["ScheduleExpressionTimezone"] == "Europe/Kyiv"
    assert properties["GroupName"] == {"Ref": "ScheduleGroup"}
    assert properties["Target"]["Arn"] == {"Fn::GetAtt": "Queue.Arn"}
    sent = properties["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", "2026-12-01T04:00:00Z")
    assert firing_from(body_fields(sent), None) == Firing("report.daily", datetime(2026, 12, 1, 4, tzinfo=UTC))
    assert added[schedule_id("report_daily")]["Properties"]["ScheduleExpression"] == "rate(1 hour)"


def test_a_template_with_schedules_passes_the_linter(tmp_path: Path) -> None:
    types = [TaskType("report", options=Options(schedule=TypeSchedule("0 6 ? * MON-FRI *", "Europe/Kyiv")))]
    path = tmp_path / "template.yaml"
    path.write_text(template_with([READ], types))
    linter = Path(sys.executable).parent / "cfn-lint"
    done = subprocess.run([linter, path], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "")
