"""The template is valid CloudFormation, small enough to be sent as it is, and says what the code expects."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.session import get_session
from cfnlint.decode.cfn_yaml import loads
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from ftask import task
from ftask.aws.parameters import (
    LISTS,
    VISIBILITY_MARGIN_SECONDS,
    WORKER_CONCURRENCIES,
    advised_visibility_seconds,
)
from ftask.aws.stack import MANAGED_PARAMETERS, StackOutputs
from ftask.cli.bench.sweep import sweep
from ftask.client.connection import URL_VARIABLE
from ftask.core.ranges import RANGES
from ftask.core.retry import RetryPolicy
from ftask.core.transitions import CLOCK_SKEW_MARGIN
from ftask.deploy.apply import KEPT_ROLE, KEPT_TYPES
from ftask.deploy.platforms import LAMBDA, PYTHON_VERSIONS
from ftask.deploy.template import read_template, stack_folder
from ftask.doctor import unmatched_letters, worker_settings
from tests.support.iam import actions_of
from tests.support.resources import (
    NO_RESOURCES_TO_NAME,
    defaults,
    resources_of_type,
    role_policies,
    template,
    unmade_resources,
)

README = (Path(__file__).parents[2] / "stack" / "README.md").read_text()
# AWS has one action for a message and for a batch of them; the local engine has two.
SENDS_IN_BATCHES = "sqs:SendMessage*"


def test_cfn_lint_finds_nothing() -> None:
    linter = Path(sys.executable).parent / "cfn-lint"
    done = subprocess.run(
        [linter, stack_folder() / "template.yaml"], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_template_fits_into_a_request() -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    assert (stack_folder() / "template.yaml").stat().st_size <= 51_200


def test_what_is_sent_is_the_template_and_leaves_room_for_the_policy_of_the_tasks() -> None:
    assert loads(read_template()) == template()
    assert len(read_template().encode()) <= 51_200 - 4_000


def test_the_outputs_are_those_that_the_tool_reads() -> None:
    expected = {output.metadata["key"] for output in fields(StackOutputs)}
    assert set(template()["Outputs"]) == expected


def test_the_functions_get_every_setting_that_they_read() -> None:
    settings = (Path(__file__).parents[2] / "ftask" / "core" / "settings.py").read_text()
    api, worker = settings.split("class WorkerSettings")
    for function, text in (("ApiFunction", api), ("WorkerFunction", worker)):
        variables = template()["Resources"][function]["Properties"]["Environment"]["Variables"]
        # The client reads the URL of the API, where a task submits another.
        assert set(re.findall(r'"(FTASK_[A-Z_]+)"', text)) == set(variables) - {URL_VARIABLE}
        assert (URL_VARIABLE in variables) == (function == "WorkerFunction")


def test_the_api_is_deployed_after_the_worker_so_that_it_accepts_no_type_that_no_worker_knows() -> None:
    assert template()["Resources"]["ApiFunction"]["DependsOn"] == "WorkerFunction"


def test_the_visibility_timeout_follows_the_workers() -> None:
    parameters = template()["Parameters"]
    advised = advised_visibility_seconds(parameters["WorkerTimeout"]["Default"])
    assert parameters["VisibilityTimeout"]["Default"] == advised
    assert timedelta(seconds=VISIBILITY_MARGIN_SECONDS) > CLOCK_SKEW_MARGIN


def test_the_backoff_of_a_simulation_without_a_stage_is_the_templates() -> None:
    policy = RetryPolicy()
    held = defaults()
    backoff = (f"{policy.base_seconds:g}", f"{policy.cap_seconds:g}", str(policy.jitter).lower())
    assert backoff == (held["BackoffBaseSeconds"], held["BackoffCapSeconds"], held["BackoffJitter"])
    options = inspect.signature(sweep).parameters
    assert (options["backoff_base"].default, options["backoff_cap"].default) == (
        policy.base_seconds,
        policy.cap_seconds,
    )


@pytest.mark.parametrize("name", RANGES)
def test_template_and_readme_have_the_range_that_the_code_checks(name: str) -> None:
    low, high = RANGES[name]
    declared = template()["Parameters"][name]
    assert (declared["MinValue"], declared["MaxValue"]) == (low, high)
    (row,) = (line for line in README.splitlines() if line.startswith("| `") and f"`{name}`" in line.split("|")[1])
    assert f"{low:g} to {high:,g}" in row


def test_each_option_of_a_task_names_its_range() -> None:
    text = inspect.getdoc(task) or ""
    for name in ("MaxAttempts", "BackoffCapSeconds"):
        assert f"{RANGES[name][0]:g} to {RANGES[name][1]:g}" in text
    assert f"up to {RANGES['WorkerTimeout'][1]:g};" in text


def test_dependencies_are_built_for_the_python_that_runs_the_functions() -> None:
    declared = template()["Parameters"]["PythonVersion"]
    assert (declared["Default"], tuple(declared["AllowedValues"])) == (LAMBDA.python, PYTHON_VERSIONS)
    for function in ("ApiFunction", "WorkerFunction"):
        assert template()["Resources"][function]["Properties"]["Runtime"] == {"Fn::Sub": "python${PythonVersion}"}
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::Lambda::Function").schema
    runtimes = get_session().get_service_model("lambda").shape_for("Runtime").metadata["enum"]
    for version in PYTHON_VERSIONS:
        assert f"python{version}" in schema["properties"]["Runtime"]["enum"]
        assert f"python{version}" in runtimes


def test_nothing_with_data_is_thrown_away_by_a_replacement() -> None:
    for name, resource in template()["Resources"].items():
        if resource["Type"] in ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Logs::LogGroup"):
            assert resource["UpdateReplacePolicy"] == "Retain", name


def test_what_a_removal_may_keep_is_what_has_no_condition() -> None:
    unconditional = {name: each for name, each in template()["Resources"].items() if "Condition" not in each}
    assert unconditional.pop(KEPT_ROLE)["Type"] == "AWS::IAM::Role"
    assert {str(resource["Type"]) for resource in unconditional.values()} == KEPT_TYPES
    conditional = template()["Resources"].keys() - unconditional.keys() - {KEPT_ROLE}
    assert not {str(template()["Resources"][name]["Type"]) for name in conditional} & KEPT_TYPES


def test_every_policy_names_its_actions_and_its_resources() -> None:
    for document in role_policies(template()["Conditions"]).values():
        for statement in document["Statement"]:
            assert "*" not in str(statement["Action"]).replace(SENDS_IN_BATCHES, "")
            assert statement["Resource"] != "*" or statement["Sid"] in NO_RESOURCES_TO_NAME


# What Lambda does in a function's name, or checks its role for, when it makes, changes or deletes the function.
ACTIONS_BY_CONDITION = {
    "HasKey": {"kms:Decrypt", "kms:GenerateDataKey"},
    "HasTracing": {"xray:PutTraceSegments", "xray:PutTelemetryRecords"},
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    "HasVpc": {
        *("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"),
        *("ec2:DescribeSubnets", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
    },
}


@pytest.mark.parametrize(("condition", "actions"), ACTIONS_BY_CONDITION.items())
def test_a_role_itself_allows_what_its_function_needs_to_be_made_and_deleted(condition: str, actions: set[str]) -> None:
    # A policy beside the role may be made after the function that needs it, and go before it.
    assert "AWS::IAM::Policy" not in {resource["Type"] for resource in template()["Resources"].values()}
    without, with_condition = role_policies([]), role_policies([condition])
    assert with_condition.keys() == {"ApiRole", "SchedulerRole", "WorkerRole"}
    for role in ("ApiRole", "WorkerRole"):
        assert actions_of(with_condition[role]) - actions_of(without[role]) == actions


def test_the_scheduler_may_send_to_the_queues_of_its_stack_and_nothing_else_and_only_for_its_own_group() -> None:
    role = template()["Resources"]["SchedulerRole"]["Properties"]
    (send, key) = role_policies(["HasKey"])["SchedulerRole"]["Statement"]
    assert send["Action"] == "sqs:SendMessage"
    assert send["Resource"] == [{"Fn::GetAtt": ["Queue", "Arn"]}, {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}]
    assert set(key["Action"]) == ACTIONS_BY_CONDITION["HasKey"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": {"Ref": "AWS::AccountId"},
            "aws:SourceArn": {"Fn::GetAtt": ["ScheduleGroup", "Arn"]},
        }
    }


def test_the_worker_makes_schedules_in_its_own_group_only_and_passes_that_role_only() -> None:
    statements = {each["Sid"]: each for each in role_policies([])["WorkerRole"]["Statement"]}
    assert statements["Schedules"]["Action"] == "scheduler:CreateSchedule"
    own, engine = statements["Schedules"]["Resource"]
    assert own["Fn::Sub"].endswith(":${AWS::AccountId}:schedule/${ScheduleGroup}/*")
    # No account on AWS has this number.
    assert engine == "arn:aws:scheduler:*:000000000000:schedule/default/*"
    assert statements["SchedulerRole"]["Action"] == "iam:PassRole"
    assert statements["SchedulerRole"]["Resource"] == {"Fn::GetAtt": ["SchedulerRole", "Arn"]}
    assert statements["SchedulerRole"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}
    }
    assert not any("scheduler" in str(each) for each in role_policies([])["ApiRole"]["Statement"])


def test_what_changes_about_the_functions_under_a_condition_comes_with_statements_of_their_roles() -> None:
    for function, role in (("ApiFunction", "ApiRole"), ("WorkerFunction", "WorkerRole")):
        properties = template()["Resources"][function]["Properties"]
        assert set(re.findall(r"'Fn::If': \['(\w+)'", str(properties))) == ACTIONS_BY_CONDITION.keys()
        assert properties["Role"] == {"Fn::GetAtt": [role, "Arn"]}


def test_an_access_log_line_is_json_that_names_the_caller_and_the_error() -> None:
    text = template()["Resources"]["ApiStage"]["Properties"]["AccessLogSettings"]["Format"]
    # The value of this one has quotes of its own.
    line = text.replace("$context.error.messageString", '"Forbidden"')
    fields = json.loads(line)
    assert (fields["caller"], fields["subject"]) == ("$context.identity.userArn", "$context.authorizer.claims.sub")
    errors = ["$context.error.message", "$context.authorizer.error", "$context.integrationErrorMessage"]
    assert fields["error"].split() == errors


def test_lambda_logs_of_its_own_only_what_went_wrong() -> None:
    functions = [of for of in template()["Resources"].values() if of["Type"] == "AWS::Lambda::Function"]
    assert {of["Properties"]["LoggingConfig"]["SystemLogLevel"] for of in functions} == {"WARN"}


def test_the_access_log_is_named_as_api_gateway_keeps_its_name() -> None:
    destination = template()["Resources"]["ApiStage"]["Properties"]["AccessLogSettings"]["DestinationArn"]
    assert str(destination["Fn::Sub"]).endswith(":log-group:${AccessLogGroup}")


def test_a_remedy_names_a_concurrency_that_the_template_allows() -> None:
    assert tuple(template()["Parameters"]["WorkerConcurrency"]["AllowedValues"]) == WORKER_CONCURRENCIES
    numbers = {name: each["Batches"] for name, each in template()["Mappings"]["Concurrency"].items()}
    assert [int(name) for name in numbers] == [*WORKER_CONCURRENCIES]
    assert all(int(name) == batches for name, batches in numbers.items() if name != "0")


def test_the_throughput_of_the_table_is_dynamodb_s_own_unless_it_is_chosen() -> None:
    properties = template()["Resources"]["Table"]["Properties"]
    for prop, condition, chosen in (
        ("WarmThroughput", "HasWarmWrites", {"WriteUnitsPerSecond": {"Ref": "TableWarmWriteUnits"}}),
        ("OnDemandThroughput", "HasMaxWrites", {"MaxWriteRequestUnits": {"Ref": "TableMaxWriteUnits"}}),
    ):
        assert properties[prop] == {"Fn::If": [condition, chosen, {"Ref": "AWS::NoValue"}]}
    for name in ("LimitsConcurrency", "HasWarmWrites", "HasMaxWrites"):
        reference, zero = template()["Conditions"][name]["Fn::Not"][0]["Fn::Equals"]
        assert (str(template()["Parameters"][reference["Ref"]]["Type"]), zero) == ("Number", "0")


def test_a_queue_has_one_kind_of_encryption_whether_with_a_key_or_without() -> None:
    for name in ("Queue", "DeadLetterQueue"):
        properties = template()["Resources"][name]["Properties"]
        assert properties["SqsManagedSseEnabled"] == {"Fn::If": ["HasKey", False, True]}
        assert properties["KmsMasterKeyId"]["Fn::If"][0] == "HasKey"


def test_the_alarm_of_dead_letters_ends_between_failures_so_that_it_can_report_the_next() -> None:
    alarm = template()["Resources"]["DeadLetterAlarm"]["Properties"]
    # A count of what waits stays above zero after the first failure; a count of what is sent does not.
    assert (alarm["MetricName"], alarm["Statistic"]) == ("NumberOfMessagesSent", "Sum")
    assert alarm["TreatMissingData"] == "notBreaching"
    assert "OKActions" not in alarm


def test_every_alarm_is_there_by_default_and_the_dashboard_is_not() -> None:
    alarms = resources_of_type("AWS::CloudWatch::Alarm")
    assert len(alarms) == 10
    assert all(alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}] for alarm in alarms.values())
    unmade = unmade_resources(defaults())
    assert "Dashboard" in unmade
    assert not unmade & alarms.keys()
    # Each without the other.
    swapped = unmade_resources(defaults() | {"Alarms": "false", "MetricsDashboard": "true"})
    assert "Dashboard" not in swapped
    assert alarms.keys() <= swapped


def test_bearer_tokens_need_an_issuer_and_an_audience() -> None:
    assertions = [each["Assert"] for each in template()["Rules"]["JwtIsWhole"]["Assertions"]]
    assert assertions == [{"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]} for name in ("JwtIssuer", "JwtAudience")]


def test_an_authorizer_is_not_deleted_by_the_choice_of_another_authorization() -> None:
    held = defaults() | {"JwtIssuer": "https://issuer.example", "JwtAudience": "ftask"}
    for authorization in template()["Parameters"]["ApiAuthorization"]["AllowedValues"]:
        unmade = unmade_resources(held | {"ApiAuthorization": authorization})
        assert "JwtAuthorizer" not in unmade


def test_lists_are_refused_with_spaces_which_the_tool_takes_out() -> None:
    split = set(re.findall(r"!Split \[\",\", !Ref (\w+)\]", read_template()))
    assert split == LISTS
    for name in split:
        pattern = re.compile(template()["Parameters"][name]["AllowedPattern"])
        assert all(map(pattern.fullmatch, ("", "a", "a,b")))
        assert not any(map(pattern.fullmatch, ("a, b", "a,", ",", "a,,b")))


def test_the_readme_names_every_parameter() -> None:
    assert {name for name in template()["Parameters"] if f"`{name}`" not in README} == MANAGED_PARAMETERS


def test_doctor_knows_the_worker_s_settings_as_the_template_has_them() -> None:
    resources = template()["Resources"]
    source = resources[worker_settings.COVERED_RESOURCE]["Properties"]
    assert source["BatchSize"] == {"Ref": "WorkerBatchSize"}
    assert source["MaximumBatchingWindowInSeconds"] == {"Ref": "WorkerBatchWindow"}
    assert source["FunctionResponseTypes"] == worker_settings.RESPONSE_TYPES
    condition, limited, unlimited = source["ScalingConfig"]["Fn::If"]
    assert limited["MaximumConcurrency"]["Fn::FindInMap"][1] == {"Ref": "WorkerConcurrency"}
    assert (condition, unlimited) == ("LimitsConcurrency", {})
    assert resources["WorkerFunction"]["Properties"]["Timeout"] == {"Ref": "WorkerTimeout"}
    assert resources["Queue"]["Properties"]["VisibilityTimeout"] == {"Ref": "VisibilityTimeout"}
    assert all(name in resources[resource]["Properties"] for resource, name in worker_settings.COVERED)
    days = resources["DeadLetterQueue"]["Properties"]["MessageRetentionPeriod"] / 86_400
    assert days == unmatched_letters.LETTER_LIFE.days
