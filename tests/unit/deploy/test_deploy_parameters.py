from __future__ import annotations

import pytest

from ftask.core.errors import FtaskError
from ftask.core.manifest import Options, TaskType
from ftask.deploy.parameters import parse_overrides, resolve, time_shortages
from tests.support.cloudformation import DECLARED


def test_parameters_stay_as_deployed_unless_they_are_given() -> None:
    values = resolve(DECLARED, {"ErrorRate": "0.5", "WorkerTimeout": "30"}, {"WorkerTimeout": "40"})
    assert values["ErrorRate"] == "0.5"
    assert values["WorkerTimeout"] == "40"


def test_a_parameter_that_the_template_no_longer_has_is_forgotten() -> None:
    assert "Old" not in resolve(DECLARED, {"Old": "1"}, {})


def test_a_new_worker_timeout_takes_the_visibility_timeout_along() -> None:
    assert resolve(DECLARED, {}, {"WorkerTimeout": "60"})["VisibilityTimeout"] == "70"
    assert resolve(DECLARED, {}, {"WorkerTimeout": "60", "VisibilityTimeout": "90"})["VisibilityTimeout"] == "90"


def test_a_new_batch_window_takes_the_visibility_timeout_along() -> None:
    declared = DECLARED | {"WorkerBatchWindow": "0"}
    current = {"WorkerTimeout": "20", "VisibilityTimeout": "30"}
    assert resolve(declared, current, {"WorkerBatchWindow": "60"})["VisibilityTimeout"] == "90"
    assert (
        resolve(declared, current | {"WorkerBatchWindow": "60"}, {"WorkerTimeout": "25"})["VisibilityTimeout"] == "95"
    )
    with pytest.raises(FtaskError, match="below WorkerTimeout"):
        resolve(declared, current, {"WorkerBatchWindow": "60", "VisibilityTimeout": "30"})


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"Nonsense": "1"}, "Unknown parameter 'Nonsense'"),
        ({"CodeBucket": "mine"}, "Unknown parameter 'CodeBucket'"),
        ({"WorkerTimeout": "200", "VisibilityTimeout": "100"}, "below WorkerTimeout"),
        ({"TaskBudgetSeconds": "20"}, "no task would ever begin"),
        ({"WorkerTimeout": "soon"}, "not a number"),
    ],
)
def test_parameters_that_cannot_work_are_refused_before_anything_is_planned(
    overrides: dict[str, str], says: str
) -> None:
    with pytest.raises(FtaskError, match=says):
        resolve(DECLARED, {}, overrides)


def test_a_timeout_that_an_attempt_may_not_get_is_named_with_the_parameters_to_set() -> None:
    types = [TaskType(f"t{timeout:g}", options=Options(timeout_seconds=timeout)) for timeout in (5, 15, 120, 1800)]
    shortages = time_shortages({"TaskBudgetSeconds": "10", "WorkerTimeout": "30"}, [TaskType("none"), *types])
    assert list(shortages) == [
        (
            "Task type t15 has timeout=15, but an attempt is sure of 10 s only (TaskBudgetSeconds). "
            "Deploy with --param TaskBudgetSeconds=15."
        ),
        (
            "Task type t120 has timeout=120, but an attempt is sure of 10 s only (TaskBudgetSeconds). "
            "Deploy with --param TaskBudgetSeconds=120 --param WorkerTimeout=130."
        ),
        ("Task type t1800 has timeout=1800, but no attempt is sure of more than 1790 s. Lower its timeout to 1790."),
    ]


def test_overrides_are_pairs() -> None:
    assert parse_overrides(["A=1", "B=x=y"]) == {"A": "1", "B": "x=y"}
    for wrong in (["A"], ["=1"], ["A=1", "A=2"]):
        with pytest.raises(FtaskError):
            parse_overrides(wrong)


def test_spaces_in_a_list_are_taken_out_also_of_one_that_is_deployed() -> None:
    declared = DECLARED | {"VpcSubnetIds": "", "CorsAllowOrigins": ""}
    values = resolve(declared, {"CorsAllowOrigins": "https://a, https://b"}, {"VpcSubnetIds": " subnet-1 ,subnet-2 "})
    assert values["VpcSubnetIds"] == "subnet-1,subnet-2"
    assert values["CorsAllowOrigins"] == "https://a,https://b"
