from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ftask.core.codec import task_to_json
from ftask.core.model import Attempt, Failure, Outcome, Status
from ftask.render import tasks
from ftask.render.task_list import task_table
from ftask.render.texts import shorten
from tests.support.builders import TASK_ID, a_large_task, a_running_task, a_task
from tests.support.clock import EPOCH
from tests.support.drawing import WHOLE, drawn

RETRYING = a_task(
    status=Status.RETRYING,
    attempts=1,
    next_attempt_at=EPOCH + timedelta(seconds=8),
    last_error=Failure("ValueError", "no [bold]luck"),
    history=(
        Attempt(1, 0, EPOCH, EPOCH + timedelta(seconds=1), Outcome.FAILED, Failure("ValueError", "no [bold]luck"), 8.0),
    ),
)


def test_the_live_view_of_one_task_says_state_attempt_countdown_and_error() -> None:
    picture = drawn(tasks.live_table([RETRYING], EPOCH + timedelta(seconds=3), EPOCH, WHOLE))
    row = picture.splitlines()[1]
    for part in (TASK_ID, "RETRYING", "1 of 2", "5.0 s", "3.0 s", "ValueError: no [bold]luck"):
        assert part in row


def test_the_live_view_of_a_few_tasks_counts_them_and_shows_the_open_ones_first() -> None:
    done = [a_task(task_id=f"{number:032x}", status=Status.COMPLETED) for number in range(4)]
    picture = drawn(tasks.live_table([*done, RETRYING], EPOCH, EPOCH, WHOLE))
    assert picture.splitlines()[1].startswith(TASK_ID)
    assert picture.splitlines()[-1] == "1 RETRYING   4 COMPLETED   0.0 s"


def test_the_live_view_fits_a_narrow_terminal() -> None:
    running = a_running_task(task_id="f" * 32)
    table = tasks.live_table([RETRYING, running], EPOCH, EPOCH, shorten([TASK_ID, running.task_id]))
    picture = drawn(table, width=80)
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


def test_attempts_of_several_days_are_shown_with_their_day() -> None:
    second = Attempt(1, 1, EPOCH + timedelta(days=3))
    picture = drawn(tasks.detail(task_to_json(replace(RETRYING, history=(*RETRYING.history, second)))))
    assert picture.splitlines()[-2].split()[2] == "2026-01-01T12:00:00.000Z"
    assert picture.splitlines()[-1].split()[2:4] == ["2026-01-04T12:00:00.000Z", "running"]


def test_the_type_is_shown_where_a_type_other_than_the_experiment_occurs() -> None:
    sent = replace(RETRYING, type="send")
    assert "type" not in drawn(tasks.detail(task_to_json(RETRYING)))
    assert "type          send" in drawn(tasks.detail(task_to_json(sent)))
    assert drawn(task_table([RETRYING], EPOCH, WHOLE)).split()[:2] == ["task", "status"]
    header, first, second = drawn(task_table([RETRYING, sent], EPOCH, WHOLE)).splitlines()
    assert header.split()[:3] == ["task", "type", "status"]
    assert (first.split()[1], second.split()[1]) == ("experiment", "send")


def test_the_end_of_a_task_of_the_users_shows_its_result() -> None:
    done = a_task(status=Status.COMPLETED, attempts=1, result='{"text":"hello"}')
    assert "hello" not in drawn(tasks.outcome(done, TASK_ID))
    assert drawn(tasks.outcome(replace(done, type="greet"), TASK_ID)).endswith('COMPLETED  1 of 2  {"text": "hello"}\n')


def test_a_long_payload_says_that_it_is_cut() -> None:
    picture = drawn(tasks.detail(task_to_json(replace(RETRYING, payload='"' + "x" * 2000 + '"'))))
    assert "(2,002 characters; -o json shows all)" in " ".join(picture.split())


def test_a_payload_that_is_gone_is_said_to_be() -> None:
    assert "not in the table: its item was deleted" in drawn(tasks.detail(task_to_json(a_large_task(payload=None))))
