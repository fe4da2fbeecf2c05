"""What an operator looks at: lists of tasks, logs, the board."""

from __future__ import annotations

import json
import signal

import pytest

from ftask.aws.stage import Stage
from ftask.core.model import Failure
from tests.support.cli import Cli
from tests.support.stages import put_failures
from tests.support.terminal import on_a_terminal

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("lists, logs and board")]


def test_tasks_are_listed_by_state(deployed: Cli, stage: Stage) -> None:
    failed = put_failures(stage, 3, Failure("ValueError", "no"))
    assert [task["taskId"] for task in deployed("ls", "--status", "failed", "-o", "json").json] == failed[::-1]
    rows = deployed("ls", "--status", "failed", "--columns", "task,error").out.splitlines()
    assert rows == [f"{task_id}\tValueError: no" for task_id in failed[::-1]]
    done = deployed("submit", "-m", "SUCCESS", "--wait", "-o", "json").json
    assert deployed("ls", "--status", "COMPLETED", "--limit", "1", "-o", "json").json == [done]
    listed = deployed("ls", "--since", "5m")
    assert done["taskId"] in listed.out
    assert "of the table read" in listed.err


def test_the_first_digits_of_an_id_are_enough(deployed: Cli) -> None:
    task = deployed("submit", "-m", "SUCCESS", "--wait", "-o", "json").json
    prefix = task["taskId"][:8]
    shown = deployed("get", prefix, "-o", "json")
    assert (shown.json["taskId"], shown.err) == (task["taskId"], "")
    # Another machine has shown no id yet.
    elsewhere = deployed("watch", prefix, "-o", "json", FTASK_CACHE_DIR=str(deployed.folder / "elsewhere"))
    assert json.loads(elsewhere.out)["taskId"] == task["taskId"]
    assert "in the whole table" in elsewhere.err
    others = [entry["taskId"] for entry in deployed("submit", "-m", "SUCCESS", "-n", "20", "-o", "json").json]
    digit = next(digit for digit in "0123456789abcdef" if sum(task_id.startswith(digit) for task_id in others) > 1)
    several = deployed("cancel", digit, "--yes")
    assert (several.code, several.out) == (1, "")
    assert f"Several ids begin with {digit}:" in several.err


@pytest.mark.parametrize("status", [["--status", "failed"], ["--type", "experiment"]])
def test_a_watched_list_says_what_is_new_where_nobody_watches(deployed: Cli, stage: Stage, status: list[str]) -> None:
    words = ("ls", "--watch", "--interval", "0.2", "--error", "watched", "-o", "json", *status)
    failed = put_failures(stage, 1, Failure("ValueError", "watched"))
    with deployed.following(*words) as watching:
        watching.until(failed[0], watching.out)
        failed += put_failures(stage, 2, Failure("ValueError", "watched"))
        watching.until(failed[-1], watching.out)
        assert watching.interrupt() == 130
    assert watching.err == []
    assert sorted(json.loads(line)["taskId"] for line in watching.out) == sorted(failed)


def test_logs_of_one_task_from_both_functions(deployed: Cli) -> None:
    task_id = deployed("submit", "-m", "SUCCESS", "--wait", "-o", "json").json["taskId"]
    events = [json.loads(line) for line in deployed("logs", "--task", task_id, "-o", "json").out.splitlines()]
    # A worker may be done before the API has logged that it accepted the task.
    assert sorted((event["function"], event["event"]) for event in events) == [
        ("api", "accepted"),
        ("worker", "finished"),
        ("worker", "started"),
    ]
    assert not any("payload" in event for event in events)
    only = deployed("logs", "--task", task_id, "--function", "api").out
    assert "accepted" in only
    assert "finished" not in only
    quiet = deployed("logs", "--task", task_id, "--level", "ERROR")
    assert (quiet.out, quiet.code) == ("", 0)
    assert "Nothing was logged" in quiet.err


def test_logs_are_followed_until_ctrl_c(deployed: Cli) -> None:
    task_id = deployed("submit", "-m", "SUCCESS", "-o", "json").json["taskId"]
    following = deployed.start("logs", "--follow", "--task", task_id, "-o", "json")
    assert following.stdout is not None
    names = []
    while "finished" not in names:
        names.append(json.loads(following.stdout.readline())["event"])
    following.send_signal(signal.SIGINT)
    _, err = following.communicate(timeout=60)
    assert following.returncode == 130
    assert "Traceback" not in err


def test_the_board_writes_a_line_a_look_where_nobody_watches(deployed: Cli) -> None:
    lines = deployed("top", "--count", "2", "--interval", "0.2", "-o", "json").out.splitlines()
    assert [json.loads(line)["consuming"] for line in lines] == ["Enabled", "Enabled"]
    assert "completed/s" in deployed("top", "-n", "1").out


def test_the_board_counts_the_failed_tasks_of_one_type(deployed: Cli, stage: Stage) -> None:
    put_failures(stage, 2, Failure("ValueError", "no"))
    of_all, of_experiment, of_other = (
        deployed("top", "-n", "1", *words, "-o", "json").json["failed"]
        for words in ([], ["--type", "experiment"], ["--type", "other"])
    )
    assert of_all == of_experiment >= 2
    assert of_other == 0


def test_top_restores_the_terminal_however_it_ends(deployed: Cli) -> None:
    with (
        on_a_terminal(deployed, "top") as terminated,
        on_a_terminal(deployed, "top") as hung_up,
        on_a_terminal(deployed, "top") as interrupted,
        on_a_terminal(deployed, "top", without="textual") as without_the_extra,
    ):
        terminals = (terminated, hung_up, interrupted, without_the_extra)
        for terminal in terminals:
            terminal.until("completed/s")
        terminated.send(signal.SIGTERM)
        hung_up.send(signal.SIGHUP)
        interrupted.press("\x03")
        without_the_extra.send(signal.SIGTERM)
        codes = [-signal.SIGTERM, -signal.SIGHUP, 130, -signal.SIGTERM]
        assert [terminal.ended() for terminal in terminals] == codes
        assert all(terminal.has_drawn for terminal in (terminated, hung_up, interrupted))
        assert all(terminal.is_restored for terminal in terminals)
        assert not any("Traceback" in terminal.text for terminal in terminals)
        for terminal, name in ((terminated, "SIGTERM"), (hung_up, "SIGHUP"), (without_the_extra, "SIGTERM")):
            assert terminal.text.rstrip().endswith(f"Ended by {name}. The stage goes on.")
        assert without_the_extra.text.count('pip install "ftask-aws[top]"') == 1
        assert "pip install" not in terminated.text


def test_the_cockpit_redrives_what_is_selected(deployed: Cli, stage: Stage) -> None:
    (task_id,) = put_failures(stage, 1, Failure("ValueError", "no"))
    with on_a_terminal(deployed, "top", columns=80, rows=24) as terminal:
        terminal.until("1 kind of error in 1 failed task")
        terminal.press("\r")
        terminal.until("Its tasks, newest first (1)")
        terminal.press("r")
        terminal.until("Redrive 1 failed task of stage local?")
        terminal.press("y")
        terminal.until("Redrive: 1 redriven.")
        terminal.press("q")
        assert terminal.ended() == 0
    assert deployed("watch", task_id).code == 0
