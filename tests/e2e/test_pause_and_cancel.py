"""Pause, resume and cancel, through the installed command line."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from ftask.aws.stage import Stage
from ftask.core.model import Status
from tests.support.cli import Cli
from tests.support.terminal import on_a_terminal
from tests.support.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("pause and cancel")]


def test_pause_holds_everything_back_and_resume_lets_it_go(deployed: Cli, stage: Stage) -> None:
    paused = deployed("pause", "--wait", "-o", "json")
    assert paused.json == {"state": "Disabled", "changed": True, "inFlight": 0}
    try:
        task_id = deployed("submit", "-m", "SUCCESS", "-o", "json").json["taskId"]
        assert deployed("pause", "-o", "json").json["changed"] is False
        assert deployed("info", "-o", "json").json["worker"]["state"] == "Disabled"
        doctor = deployed("doctor", "-o", "json")
        # Somebody wanted it so.
        assert doctor.code == 0
        noted = [(finding["check"], finding["level"]) for finding in doctor.json if finding["level"] != "ok"]
        assert noted == [("consumption", "note")]
        watched = deployed("watch", task_id, "--timeout", "2")
        assert watched.code == 4
        assert "Stage local is paused: no task runs. Let them run with: ftask resume" in watched.err
        assert deployed("get", task_id, "-o", "json").json["attempts"] == 0
    finally:
        assert deployed("resume", "-o", "json").json == {"state": "Enabled", "changed": True}
    assert deployed("watch", task_id).code == 0


def test_who_stops_waiting_for_many_tasks_can_follow_them_again(deployed: Cli) -> None:
    deployed("pause", "--wait")
    try:
        with (
            on_a_terminal(deployed, "submit", "-m", "SUCCESS", "-n", "12", "--wait") as interrupted,
            on_a_terminal(deployed, "submit", "-m", "SUCCESS", "-n", "11", "--wait") as terminated,
        ):
            interrupted.until("0 of 12 ended")
            terminated.until("0 of 11 ended")
            interrupted.send(signal.SIGINT)
            terminated.send(signal.SIGTERM)
            assert (interrupted.ended(), terminated.ended()) == (130, -signal.SIGTERM)
            for terminal in (interrupted, terminated):
                assert terminal.has_drawn
                assert terminal.is_restored
            assert "Interrupted.\r\nAccepted 12 of 12 tasks.\r\nThe tasks go on." in interrupted.text
            assert "Ended by SIGTERM.\r\nAccepted 11 of 11 tasks." in terminated.text
        path = Path(interrupted.text.rpartition("ftask watch < ")[2].strip())
    finally:
        deployed("resume")
    ids = path.read_text()
    assert len(ids.split()) == 12
    done = deployed("watch", stdin=ids)
    path.unlink()
    assert done.code == 0
    assert done.out.startswith("12 COMPLETED")
    assert "of 12 ended: " in done.err


def test_a_cancelled_task_does_not_run_and_one_that_runs_is_not_retried(deployed: Cli, stage: Stage) -> None:
    deployed("pause")
    waiting = deployed("submit", "-m", "SUCCESS", "-o", "json").json["taskId"]
    counted = deployed("cancel", "--type", "experiment", "--dry-run", "-o", "json")
    assert (counted.json["wouldCancel"], counted.json["sample"][0]["taskId"]) == (1, waiting)
    done = deployed("cancel", waiting, "--yes", "-o", "json")
    assert done.json == [{"taskId": waiting, "outcome": "cancelled", "status": "CANCELLED"}]
    too_late = deployed("reschedule", waiting, "--now")
    assert (too_late.code, too_late.err) == (
        1,
        f"Error: Task {waiting} is CANCELLED; only a waiting task can be rescheduled.\nftask get {waiting}\n",
    )
    assert f"Error: Task {'f' * 32} does not exist." in deployed("reschedule", "f" * 32, "--now").err
    for _ in range(2):
        deployed("submit", "-m", "SUCCESS")
    assert "Cannot ask without a terminal: Cancel 2 tasks" in deployed("cancel", "--status", "pending").err
    listed = deployed("ls", "--status", "pending", "--limit", "1").out
    assert "Cannot ask without a terminal: Cancel 1 task" in deployed("cancel", "-", stdin=listed).err
    piped = deployed("cancel", "-", "--yes", "-o", "json", stdin=listed)
    selected = deployed("cancel", "--type", "experiment", "--yes", "-o", "json")
    deployed("resume")
    one_cancelled = {"cancelled": 1, "requested": 0, "ended": 0, "unknown": 0, "busy": 0}
    assert piped.json == selected.json == one_cancelled
    assert deployed("watch", stdin=listed).out.split()[2] == "CANCELLED"
    unknown = deployed("cancel", "-", "--yes", stdin="f" * 32)
    assert (unknown.code, unknown.out) == (1, "1 not found.\n")
    assert deployed("cancel", "-", "--yes", stdin="\n").out == "No id on stdin.\n"
    assert deployed("cancel", waiting, "--type", "experiment").code == 2
    assert deployed("cancel").code == 2
    assert deployed("watch", waiting).code == 3
    # Long enough for two commands on a busy machine, short enough for the budget of an attempt.
    running = deployed("submit", "-m", "SLOW:9", "-o", "json").json["taskId"]

    def begun() -> bool:
        task = stage.task(running)
        return task is not None and task.status is not Status.PENDING

    until(begun, "the attempt has begun")
    request = deployed("cancel", running, "--yes", "-o", "json")
    assert request.json[0]["outcome"] == "requested"
    assert deployed("watch", running).code == 0
    ended = deployed("cancel", running, "f" * 32, "--yes")
    assert ended.code == 1
    assert "ended before (COMPLETED)" in ended.out
    assert "not found" in ended.out
