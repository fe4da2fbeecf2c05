from __future__ import annotations

import io
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console, RenderableType

from ftask.core.codec import task_to_json
from ftask.core.model import Attempt, Failure, Outcome, Status
from ftask.deploy.plan import Change, Plan, PropertyChange
from ftask.ops.console import links
from ftask.render import deploy, tasks
from ftask.render.times import duration
from tests.support.builders import TASK_ID, a_running_task, a_task
from tests.support.clock import EPOCH

RETRYING = a_task(
    status=Status.RETRYING,
    attempts=1,
    next_attempt_at=EPOCH + timedelta(seconds=8),
    last_error=Failure("ValueError", "no [bold]luck"),
    history=(
        Attempt(1, 0, EPOCH, EPOCH + timedelta(seconds=1), Outcome.FAILED, Failure("ValueError", "no [bold]luck"), 8.0),
    ),
)


def drawn(picture: RenderableType, width: int = 120) -> str:
    stream = io.StringIO()
    Console(file=stream, width=width, highlight=False).print(picture)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (60, "1 m 0 s"),
        (3599, "59 m 59 s"),
        (3600, "1 h 0 m"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_told_in_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_live_view_of_one_task_says_state_attempt_countdown_and_error() -> None:
    picture = drawn(tasks.live_table([RETRYING], EPOCH + timedelta(seconds=3), EPOCH))
    row = picture.splitlines()[1]
    for part in (TASK_ID, "RETRYING", "1 of 2", "5.0 s", "3.0 s", "ValueError: no [bold]luck"):
        assert part in row


def test_the_live_view_of_many_tasks_counts_them_and_shows_the_open_ones_first() -> None:
    done = [a_task(task_id=f"{number:032x}", status=Status.COMPLETED) for number in range(40)]
    picture = drawn(tasks.live_table([*done, RETRYING], EPOCH, EPOCH))
    assert picture.splitlines()[1].startswith(TASK_ID)
    assert picture.splitlines()[-1] == "1 RETRYING   40 COMPLETED   0.0 s   (26 more not shown)"


def test_the_live_view_fits_a_narrow_terminal() -> None:
    picture = drawn(tasks.live_table([RETRYING, a_running_task(task_id="f" * 32)], EPOCH, EPOCH), width=80)
    assert all(len(line) <= 80 for line in picture.splitlines())
    for part in ("RETRYING", "PROCESSING", "1 of 2", "8.0 s"):
        assert part in picture
    assert len(picture.splitlines()) == 4


def test_a_change_is_one_line() -> None:
    line = tasks.change_line(RETRYING, EPOCH)
    assert "\n" not in line
    assert line.endswith(f"{TASK_ID}  RETRYING    attempt 1 of 2  next in 8.0 s  ValueError: no [bold]luck")


def test_one_task_in_full_shows_each_attempt_and_the_wait_after_it() -> None:
    picture = drawn(tasks.detail(task_to_json(RETRYING)))
    assert 'payload       {"message": "SUCCESS"}' in picture
    assert picture.splitlines()[-1].split() == [
        "1", "12:00:00.000Z", "1.0", "s", "FAILED", "8.0", "s", "ValueError:", "no", "[bold]luck",
    ]  # fmt: skip


def test_the_console_is_linked_in_the_stages_own_partition_and_region() -> None:
    outputs: Any = SimpleNamespace(
        worker_log_group="/aws/lambda/ftask-prod-worker",
        api_log_group="/aws/lambda/ftask-prod-api",
        worker_function="ftask-prod-worker",
        table="t",
        queue_url="https://sqs.cn-north-1.amazonaws.com.cn/1/q",
        dead_letter_queue_url="https://sqs.cn-north-1.amazonaws.com.cn/1/d",
    )
    found = links(outputs, "arn:aws-cn:cloudformation:cn-north-1:1:stack/ftask-prod/x", "ftask-prod")
    assert all(url.startswith("https://cn-north-1.console.amazonaws.cn/") for url in found.values())
    assert found["workerLog"].endswith("#logsV2:log-groups/log-group/$252Faws$252Flambda$252Fftask-prod-worker")
    assert links(outputs, "arn:aws-iso:cloudformation:us-iso-east-1:1:stack/ftask-prod/x", "ftask-prod") == {}


def test_a_plan_shows_what_becomes_of_parameters_resources_and_properties() -> None:
    plan = Plan(
        "ftask-prod",
        "id",
        "set",
        creates_stack=False,
        changes=(
            Change(
                "Modify",
                "WorkerFunction",
                "AWS::Lambda::Function",
                "False",
                (
                    PropertyChange("Timeout", "20", "30"),
                    PropertyChange("Tags"),
                    PropertyChange("Role", "x" * 900, ""),
                ),
            ),
            Change("Modify", "Queue", "AWS::SQS::Queue", "True", (PropertyChange("QueueName", "a", None),)),
            Change("Add", "Dashboard", "AWS::CloudWatch::Dashboard", None, ()),
        ),
        parameters={"WorkerTimeout": "30", "ErrorRate": "0.3", "New": "1"},
        deployed={"WorkerTimeout": "20", "ErrorRate": "0.3"},
        code_sha256="h",
    )
    lines = [" ".join(line.split()) for line in drawn(deploy.plan_table(plan), 200).splitlines()]
    assert lines == [
        "resource type change",
        "~ New parameter (none) → 1",
        "~ WorkerTimeout parameter 20 → 30",
        f"~ WorkerFunction AWS::Lambda::Function Timeout: 20 → 30, Tags, Role: {'x' * 77}… → (empty)",
        "~ Queue AWS::SQS::Queue replaced: QueueName: a → (none)",
        "+ Dashboard AWS::CloudWatch::Dashboard",
    ]
    assert deploy.plan_json(plan)["changes"][0]["properties"][0] == {"name": "Timeout", "before": "20", "after": "30"}
