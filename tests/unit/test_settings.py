from __future__ import annotations

import pytest

from ftask.core.errors import SettingsError
from ftask.core.retry import RetryPolicy
from ftask.core.settings import ApiSettings, WorkerSettings

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
        ("FTASK_BACKOFF_CAP_SECONDS", "901"),
        ("FTASK_BACKOFF_JITTER", "yes"),
        ("FTASK_RETENTION_DAYS", "14"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        WorkerSettings.from_environment(WORKER | {name: value})
