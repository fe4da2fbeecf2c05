from __future__ import annotations

import pytest

from ftask.aws.parameters import Severity, contradictions
from ftask.core.errors import FtaskError

GOOD = {"WorkerTimeout": "20", "VisibilityTimeout": "30", "TaskBudgetSeconds": "10", "WorkerConcurrency": "10"}


@pytest.mark.parametrize(
    ("changes", "severity", "remedy"),
    [
        ({"VisibilityTimeout": "19"}, Severity.ERROR, "VisibilityTimeout=30"),
        ({"VisibilityTimeout": "120"}, Severity.NOTE, "VisibilityTimeout=30"),
        ({"WorkerBatchWindow": "11"}, Severity.ERROR, "VisibilityTimeout=41"),
        ({"WorkerBatchWindow": "30", "VisibilityTimeout": "111"}, Severity.NOTE, "VisibilityTimeout=60"),
        ({"TaskBudgetSeconds": "20"}, Severity.ERROR, "TaskBudgetSeconds=10"),
        ({"WorkerConcurrency": "1000"}, Severity.WARNING, "WorkerConcurrency=300"),
    ],
)
def test_parameters_that_contradict_each_other_are_named_with_a_remedy(
    changes: dict[str, str], severity: Severity, remedy: str
) -> None:
    (contradiction,) = contradictions(GOOD | changes, account_concurrency=900)
    assert contradiction.severity is severity
    assert contradiction.remedy == remedy
    assert contradiction.advice
    name, _, value = remedy.partition("=")
    assert contradictions(GOOD | changes | {name: value}, account_concurrency=900) == []


def test_parameters_that_agree_are_not_mentioned() -> None:
    assert contradictions(GOOD, account_concurrency=11) == []


@pytest.mark.parametrize(
    ("limit", "remedy"), [(10, "WorkerConcurrency=5"), (7, "WorkerConcurrency=3"), (3, "=2"), (2, "=2")]
)
def test_a_worker_that_can_take_the_whole_account_is_named(limit: int, remedy: str) -> None:
    # A new account runs ten functions at once, as many as the default of WorkerConcurrency.
    (contradiction,) = contradictions(GOOD, account_concurrency=limit)
    assert contradiction.severity is Severity.WARNING
    assert f"can take all of the {limit} functions" in contradiction.message
    assert contradiction.remedy.endswith(remedy)


def test_a_worker_without_a_limit_of_its_own_can_take_what_lambda_gives_to_a_queue() -> None:
    unlimited = GOOD | {"WorkerConcurrency": "0"}
    (contradiction,) = contradictions(unlimited, account_concurrency=1000)
    assert "WorkerConcurrency (no limit) can take all of the 1,000 functions" in contradiction.message
    assert contradiction.remedy == "WorkerConcurrency=500"
    assert contradictions(unlimited, account_concurrency=1500) == []


def test_a_message_that_waits_for_its_batch_is_hidden_already() -> None:
    assert contradictions(GOOD | {"WorkerBatchWindow": "10"}) == []
    (contradiction,) = contradictions(GOOD | {"WorkerBatchWindow": "60"})
    assert "is below WorkerTimeout (20 s) and WorkerBatchWindow (60 s)" in contradiction.message


def test_a_rule_about_an_unknown_value_is_skipped() -> None:
    assert contradictions({}, account_concurrency=1) == []
    assert contradictions(GOOD | {"WorkerConcurrency": "1000"}) == []


def test_a_value_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(FtaskError, match="WorkerTimeout is 'soon', not a number"):
        contradictions(GOOD | {"WorkerTimeout": "soon"})
