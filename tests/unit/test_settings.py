from __future__ import annotations

import pytest

from ftask.core.errors import SettingsError
from ftask.core.retry import RetryPolicy
from ftask.core.settings import ApiSettings, WorkerSettings
from tests.support.resources import template

API = {
    "FTASK_STACK": "s",
    "FTASK_TABLE": "t",
    "FTASK_QUEUE_URL": "q",
    "FTASK_MAX_ATTEMPTS": "2",
    "FTASK_RETENTION_DAYS": "30",
}
WORKER = API | {
    "FTASK_DEAD_LETTER_QUEUE_URL": "d",
    "FTASK_BACKOFF_BASE_SECONDS": "2",
    "FTASK_BACKOFF_CAP_SECONDS": "900",
    "FTASK_BACKOFF_JITTER": "false",
    "FTASK_ERROR_RATE": "0.3",
    "FTASK_TASK_BUDGET_SECONDS": "10",
}


def test_the_environment_that_the_template_sets_is_understood() -> None:
    assert ApiSettings.from_environment(API).max_attempts == 2
    assert WorkerSettings.from_environment(WORKER).policy == RetryPolicy(2, 900, jitter=False)
    assert WorkerSettings.from_environment(WORKER | {"FTASK_LOG_LEVEL": "DEBUG"}).log_level == "DEBUG"


# The variables of the first version. CloudFormation gives a function its new code before its new variables.
FIRST_API, FIRST_WORKER = API.keys() - {"FTASK_STACK"}, WORKER.keys() - {"FTASK_STACK", "FTASK_MAX_ATTEMPTS"}


@pytest.mark.parametrize(
    ("settings", "names", "function"),
    [(ApiSettings, FIRST_API, "ftask-prod-api"), (WorkerSettings, FIRST_WORKER, "ftask-prod-worker")],
)
def test_new_code_runs_with_the_variables_of_the_first_version(
    settings: type[ApiSettings | WorkerSettings], names: set[str], function: str
) -> None:
    variables = {name: WORKER[name] for name in names} | {"AWS_LAMBDA_FUNCTION_NAME": function}
    assert settings.from_environment(variables).stack == "ftask-prod"


@pytest.mark.parametrize(("function", "names"), [("ApiFunction", FIRST_API), ("WorkerFunction", FIRST_WORKER)])
def test_code_of_the_first_version_runs_with_the_variables_of_today(function: str, names: set[str]) -> None:
    assert names <= set(template()["Resources"][function]["Properties"]["Environment"]["Variables"])


@pytest.mark.parametrize("name", sorted(WORKER.keys() - {"FTASK_MAX_ATTEMPTS"}))
def test_a_missing_setting_fails_before_any_work_and_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        WorkerSettings.from_environment({key: value for key, value in WORKER.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FTASK_ERROR_RATE", "1.5"),
        ("FTASK_ERROR_RATE", "nan"),
        ("FTASK_ERROR_RATE", "much"),
        ("FTASK_BACKOFF_CAP_SECONDS", "86401"),
        ("FTASK_BACKOFF_JITTER", "yes"),
        ("FTASK_RETENTION_DAYS", "14"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        WorkerSettings.from_environment(WORKER | {name: value})
