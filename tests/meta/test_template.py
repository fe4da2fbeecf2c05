"""The template is valid CloudFormation, small enough to be sent as it is, and says what the code expects."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from ftask.aws.parameters import VISIBILITY_MARGIN_SECONDS, advised_visibility_seconds
from ftask.aws.stack import MANAGED_PARAMETERS, StackOutputs
from ftask.cli.bench.sweep import sweep
from ftask.core.retry import RetryPolicy
from ftask.core.transitions import CLOCK_SKEW_MARGIN
from ftask.deploy.apply import KEPT_TYPES
from ftask.deploy.template import read_template, stack_folder
from tests.support.resources import NO_RESOURCES_TO_NAME, policies_of, template

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
    assert len(read_template().encode()) <= 51_200


def test_the_outputs_are_those_that_the_tool_reads() -> None:
    expected = {str(field.alias) for field in StackOutputs.model_fields.values()}
    assert set(template()["Outputs"]) == expected


def test_the_functions_get_every_setting_that_they_read() -> None:
    settings = (Path(__file__).parents[2] / "ftask" / "core" / "settings.py").read_text()
    api, worker = settings.split("class WorkerSettings")
    for function, text in (("ApiFunction", api), ("WorkerFunction", worker)):
        variables = template()["Resources"][function]["Properties"]["Environment"]["Variables"]
        assert set(re.findall(r'"(FTASK_[A-Z_]+)"', text)) == set(variables)


def test_the_visibility_timeout_follows_the_workers() -> None:
    parameters = template()["Parameters"]
    advised = advised_visibility_seconds(parameters["WorkerTimeout"]["Default"])
    assert parameters["VisibilityTimeout"]["Default"] == advised
    assert timedelta(seconds=VISIBILITY_MARGIN_SECONDS) > CLOCK_SKEW_MARGIN


def test_the_backoff_of_a_simulation_without_a_stage_is_the_templates() -> None:
    defaults = {
        name: parameter["Default"] for name, parameter in template()["Parameters"].items() if "Default" in parameter
    }
    policy = RetryPolicy()
    assert (policy.base_seconds, policy.cap_seconds) == (defaults["BackoffBaseSeconds"], defaults["BackoffCapSeconds"])
    assert str(policy.jitter).lower() == defaults["BackoffJitter"]
    options = inspect.signature(sweep).parameters
    assert (options["backoff_base"].default, options["backoff_cap"].default) == (
        policy.base_seconds,
        policy.cap_seconds,
    )


def test_nothing_with_data_is_thrown_away_by_a_replacement() -> None:
    for name, resource in template()["Resources"].items():
        if resource["Type"] in ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Logs::LogGroup"):
            assert resource["UpdateReplacePolicy"] == "Retain", name


def test_what_a_removal_may_keep_is_what_has_no_condition() -> None:
    unconditional = {name: each for name, each in template()["Resources"].items() if "Condition" not in each}
    assert {str(resource["Type"]) for resource in unconditional.values()} == KEPT_TYPES
    conditional = template()["Resources"].keys() - unconditional.keys()
    assert not {str(template()["Resources"][name]["Type"]) for name in conditional} & KEPT_TYPES


def test_every_policy_names_its_actions_and_its_resources() -> None:
    for policy in policies_of(template()):
        for statement in policy["PolicyDocument"]["Statement"]:
            assert "*" not in str(statement["Action"]).replace(SENDS_IN_BATCHES, "")
            assert statement["Resource"] != "*" or policy["PolicyName"] in NO_RESOURCES_TO_NAME


def test_the_readme_names_every_parameter() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert {name for name in template()["Parameters"] if f"`{name}`" not in readme} == MANAGED_PARAMETERS
