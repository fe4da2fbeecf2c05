"""The keys of the cockpit, on a stage of moto's table and queues."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import pytest
from textual.widgets import Static

from ftask.actions.redrive import RedriveTally
from ftask.aws.errors import UnreachableError
from ftask.aws.stage import Stage
from ftask.cockpit.operations import Ending, OpenTask, Operations
from ftask.core.errors import FtaskError
from ftask.core.item import task_to_item
from ftask.core.model import Status
from ftask.home.cache import recent_ids
from ftask.selection.failed import FailedTasks, failures
from ftask.selection.filter import TaskFilter
from tests.support.builders import a_task
from tests.support.cockpits import Driver, Play, Sampler
from tests.support.snapshots import a_failed_attempt, a_snapshot
from tests.support.waiting import until


def failed_messages(stage: Stage) -> list[str]:
    return sorted(task.error.message for task in failures(stage))


def test_the_first_kind_of_error_is_selected_until_the_user_selects_another(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until("2 kinds of error in 4 failed tasks")
        await see.until_row("ValueError: no order <n>")
        await see.press("down")
        await see.until_row("KeyError: [bold]x[/bold] �[<n>")
        await see.press("down")
        await see.until_row("KeyError: [bold]x[/bold] �[2J")
        await see.press("home")
        await see.until_row("ValueError: no order <n>")
        await see.until("Enter open  r redrive  / filter  p pause view  ? help  q quit")

    play(story)


class LateFailures(Operations):
    """Operations whose failed tasks are read when the test says so."""

    gate = threading.Event()

    def failed_tasks(self) -> FailedTasks:
        assert self.gate.wait(30)
        return super().failed_tasks()


def test_rows_that_come_late_do_not_move_a_selection_that_nobody_made(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until_row("Slow: later")
        LateFailures.gate.set()
        await see.until_row("ValueError: no order <n>")

    sampler = Sampler(a_snapshot(failures=(a_failed_attempt(5, "Slow: later"),)))
    play(story, sampler=sampler, operations=LateFailures)


def test_enter_opens_a_kind_of_error_and_a_task_and_escape_goes_back(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until_row("ValueError")
        await see.press("enter")
        await see.until("Its tasks, newest first (3)")
        assert 'payload     {"message": "SUCCESS"}' in see.text
        await see.press("enter")
        await see.until("attempts    1 of 2")
        assert "last error  ValueError: no order 7" in see.text
        assert "r redrive  ↑ ↓ scroll  Esc back" in see.text
        await see.press("escape")
        await see.until("Its tasks, newest first (3)")
        await see.press("escape")
        await see.until("ftask top  stage prod  consuming")

    play(story)


def test_r_redrives_the_kind_that_is_selected_after_a_question(play: Play, stage: Stage) -> None:
    async def story(see: Driver) -> None:
        await see.until_row("ValueError")
        await see.press("r")
        await see.until("Redrive 3 failed tasks of stage prod?")
        assert "experiment  ValueError: no order <n>" in see.text
        await see.press("n")
        await see.until("Nothing changed.")
        assert len(failed_messages(stage)) == 4
        await see.press("r")
        await see.until("Redrive 3 failed tasks of stage prod?")
        await see.press("y")
        await see.until("Redrive: 3 redriven.")
        await see.until("1 kind of error in 1 failed task")

    play(story)
    assert failed_messages(stage) == ["[bold]x[/bold] \x1b[2J"]
    assert stage.queue_depth().total == 3
    assert stage.dead_letter_depth().total == 1


def test_r_redrives_the_task_that_is_open(play: Play, stage: Stage) -> None:
    (newest,) = failures(stage, TaskFilter(error="KeyError"))

    async def story(see: Driver) -> None:
        await see.until_row("ValueError")
        await see.press("down", "down")
        await see.until_row("KeyError")
        await see.press("enter")
        await see.until("last error  KeyError")
        await see.press("r")
        await see.until("Redrive 1 failed task of stage prod?")
        assert f"task {newest.task_id}" in see.text
        await see.press("y")
        await see.until("Redrive: 1 redriven.")
        # The page shows the task as it is now.
        await see.until("PENDING")

    play(story)
    task = stage.task(newest.task_id)
    assert task is not None
    assert (task.status, task.epoch) == (Status.PENDING, 1)


def test_enter_answers_a_question_with_no(play: Play, stage: Stage) -> None:
    async def story(see: Driver) -> None:
        await see.until_row("ValueError")
        await see.press("r")
        await see.until("Redrive 3 failed tasks")
        await see.press("enter")
        await see.until("Nothing changed.")

    play(story)
    assert len(failed_messages(stage)) == 4


def test_c_cancels_a_task_that_is_retried_after_a_question(play: Play, stage: Stage) -> None:
    attempt = a_failed_attempt(5, "Slow: later")
    waiting = a_task(task_id=attempt.task_id, status=Status.RETRYING, attempts=1)
    stage.target.dynamodb.put_item(TableName=stage.outputs.table, Item=task_to_item(waiting))

    async def story(see: Driver) -> None:
        await see.until("2 kinds of error")
        await see.until("Slow: later")
        await see.press("end")
        await see.until_row("Slow: later")
        assert "Enter open  c cancel" in see.text
        await see.press("enter")
        await see.until("status    RETRYING")
        await see.press("c")
        await see.until("Cancel this task?")
        await see.press("y")
        await see.until(f"Task {attempt.task_id}: cancelled.")
        await see.until("CANCELLED")

    play(story, sampler=Sampler(a_snapshot(failures=(attempt,))))


def test_the_ids_that_it_shows_are_known_to_the_next_command_by_their_first_digits(play: Play, stage: Stage) -> None:
    ids = {task.task_id for task in failures(stage)}

    async def story(see: Driver) -> None:
        await see.until("Recent failures")
        assert all(task_id[:8] in see.text and task_id not in see.text for task_id in ids)
        await see.until_true(lambda: set(recent_ids("local")) == ids, "they are remembered")

    play(story)


def test_c_on_a_kind_of_error_says_why_not(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until_row("ValueError")
        await see.press("c")
        await see.until("Failed tasks have ended.")

    play(story)


def test_the_filter_narrows_the_rows_while_it_is_typed(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until("ValueError")
        await see.press("slash", *"key")
        await see.until("1 kind of error in 1 failed task")
        assert "ValueError" not in see.text
        # Letters are text here, and keys again after Enter.
        await see.press("q", "backspace", "enter", "r")
        await see.until("Redrive 1 failed task")
        await see.press("n", "escape")
        await see.until("2 kinds of error")

    play(story)


def test_any_task_is_opened_by_the_first_digits_of_its_id(play: Play, stage: Stage) -> None:
    done = a_task(task_id="abcdef01" * 4, status=Status.COMPLETED)
    stage.target.dynamodb.put_item(TableName=stage.outputs.table, Item=task_to_item(done))

    async def story(see: Driver) -> None:
        await see.until("ValueError")
        await see.press("slash", *"abcdef01")
        await see.until("Enter opens the task with this id.")
        await see.press("enter")
        await see.until("COMPLETED")
        assert done.task_id in see.text
        await see.press("escape", "slash", *"abcdef02", "enter")
        await see.until("No task of the stage has an id that begins with abcdef02. See the ids with: ftask ls")

    play(story)


def test_p_pauses_the_view_and_says_so(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until("consuming")
        await see.press("p")
        await see.until("VIEW PAUSED")
        assert "p go on" in see.text
        before = see.sampler.count
        see.sampler.reading = a_snapshot(waiting=77)
        ticks: list[None] = []
        see.cockpit.set_interval(0.1, lambda: ticks.append(None))
        await see.until_true(lambda: len(ticks) == 4, "four intervals")
        assert see.sampler.count == before
        await see.press("p")
        await see.until("77 waiting")
        assert "VIEW PAUSED" not in see.text

    play(story)


def test_help_lists_the_keys_and_any_key_closes_it(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until("ValueError")
        await see.press("question_mark")
        await see.until("pause the view, so that nothing moves")
        await see.press("q")
        await see.until("? help  q quit")
        assert "Any key closes this" not in see.text

    play(story)


@pytest.mark.parametrize(("key", "ending"), [("q", Ending()), ("ctrl+c", Ending(signal=signal.SIGINT))])
def test_q_and_ctrl_c_quit(play: Play, key: str, ending: Ending) -> None:
    async def story(see: Driver) -> None:
        await see.press(key)

    assert play(story) == ending


def test_it_ends_after_so_many_readings(play: Play) -> None:
    sampler = Sampler()

    async def story(see: Driver) -> None:
        await see.until_true(lambda: see.cockpit.return_value is not None, "its end")

    assert play(story, count=2, sampler=sampler) == Ending()
    assert sampler.count == 2


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (40, 12)])
def test_every_size_shows_the_selection_the_status_and_the_keys(play: Play, size: tuple[int, int]) -> None:
    async def story(see: Driver) -> None:
        await see.until_row("ValueError")
        await see.resize(*size)
        await see.until_true(lambda: len(see.lines) == size[1], "the new size")
        await see.press("c")
        await see.until("Failed tasks have ended.")
        assert any("ValueError" in line for line in see.lines)
        assert see.lines[-1].startswith("Enter open  r redrive")
        assert {len(line) for line in see.lines} == {size[0]}

    play(story)


class Failing(Operations):
    def task(self, task_id: str) -> OpenTask:
        raise FtaskError("AWS denied GetItem: not you", "Ask for this permission.")


def test_a_call_that_fails_says_so_and_the_cockpit_goes_on(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until_row("ValueError")
        await see.press("end", "enter")
        await see.until("AWS denied GetItem: not you Ask for this permission.")
        await see.press("home", "r")
        await see.until("Redrive 3 failed tasks")

    play(story, operations=Failing)


def test_a_stage_that_cannot_be_read_is_tried_again(play: Play) -> None:
    sampler = Sampler(error=UnreachableError("Could not connect.", "Check the network."))

    async def story(see: Driver) -> None:
        await see.until("Could not connect. Check the network. Trying again every 0.1 s.")
        see.sampler.error = None
        await see.until("consuming")
        await see.until_true(lambda: "Could not connect" not in see.text, "its end")

    play(story, sampler=sampler)


def test_an_engine_that_has_ended_ends_it_with_the_error(play: Play) -> None:
    error = UnreachableError("Could not connect.")

    async def story(see: Driver) -> None:
        await see.until_true(lambda: see.cockpit.return_value is not None, "its end")

    assert play(story, sampler=Sampler(error=error), has_ended=lambda: True) == Ending(error=error)


class Slow(Operations):
    """Operations of which the counting waits for the test."""

    gate = threading.Event()

    def count(self, selection: TaskFilter) -> int:
        assert self.gate.wait(30)
        return super().count(selection)


def test_the_keys_work_while_a_call_takes_long_and_only_one_change_runs(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until_row("ValueError")
        await see.press("r")
        await see.until("Counting the failed tasks…")
        await see.press("down")
        await see.until_row("KeyError")
        await see.press("r")
        await see.until("Wait until it has ended.")
        await see.press("q")
        await see.until("Stop what runs, and quit?")
        await see.press("n")
        Slow.gate.set()
        await see.until("Redrive 3 failed tasks")

    play(story, operations=Slow)


class Endless(Operations):
    """Operations whose redrive ends only when it is stopped."""

    ended = threading.Event()

    def redrive(
        self, selection: TaskFilter, progress: Callable[[int], None], stopped: Callable[[], bool]
    ) -> RedriveTally:
        progress(1)
        until(stopped, "it is stopped", look_every=0.01)
        self.ended.set()
        return RedriveTally()


def test_quitting_stops_a_redrive_and_says_how_far_it_came(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until_row("ValueError")
        await see.press("r")
        await see.until("Redrive 3 failed tasks")
        await see.press("y")
        await see.until("Redriving: 1 of 3")
        await see.press("q")
        await see.until("Stop what runs, and quit?")
        await see.press("y")
        await see.until_true(lambda: see.cockpit.return_value is not None, "its end")
        assert see.cockpit.actions.stop() == (
            "The redrive was stopped after 1 of 3 tasks. Redriven tasks run; the others are unchanged."
        )
        assert Endless.ended.is_set()

    assert play(story, operations=Endless) == Ending()


def test_no_widget_can_steer_the_terminal(play: Play) -> None:
    async def story(see: Driver) -> None:
        await see.until("ValueError")
        await see.cockpit.screen.mount(Static("\x1b[2J\u202ecleared", markup=False))
        await see.until("cleared")
        assert "\x1b" not in see.text
        assert "\u202e" not in see.text

    play(story)


def test_a_defect_ends_it_with_the_exception_and_no_traceback(play: Play, capsys: pytest.CaptureFixture[str]) -> None:
    defect = ZeroDivisionError("a defect")

    class Defective(Operations):
        def task(self, task_id: str) -> OpenTask:
            raise defect

    async def story(see: Driver) -> None:
        await see.until_row("ValueError")
        await see.press("end", "enter")
        await see.until_true(lambda: not see.cockpit.is_running, "its end")

    assert play(story, operations=Defective) == Ending(error=defect)
    assert "Traceback" not in "".join(capsys.readouterr())
