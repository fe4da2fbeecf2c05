"""An operator's day, through the installed command line."""

from __future__ import annotations

import json
import signal
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest

from ftask.aws.stack import outputs
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.model import Failure, Status
from ftask.core.timestamps import now
from ftask.dead_letters.selection import failures
from tests.support.cli import Cli
from tests.support.stages import failed_task, put_failed
from tests.support.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("operating")]


@pytest.fixture
def stage(deployed: Cli, target: Target) -> Iterator[Stage]:
    """The deployed stage at rest, its dead letters and failed tasks gone before and after."""
    found = Stage(target, outputs(target))
    # What another test left to run, an interrupted experiment for one, may still fail.
    until(lambda: not sum(found.counts(found.outputs.queue_url)), "nothing waits or is in flight")
    clear(found)
    yield found
    clear(found)


def clear(stage: Stage) -> None:
    stage.target.sqs.purge_queue(QueueUrl=stage.outputs.dead_letter_queue_url)
    for task in failures(stage):
        stage.target.dynamodb.delete_item(TableName=stage.outputs.table, Key={"taskId": {"S": task.task_id}})


def fail(stage: Stage, count: int, error: Failure, payload: str = '{"message":"SUCCESS"}') -> list[str]:
    """So many failed tasks that will succeed when they are redriven."""
    at = now() - timedelta(seconds=count)
    return [
        put_failed(stage, failed_task(uuid.uuid4().int, at + timedelta(milliseconds=number), error, payload)).task_id
        for number in range(count)
    ]


def test_failures_are_grouped_and_redriven_by_error_and_the_rest_stays(deployed: Cli, stage: Stage) -> None:
    timeouts = fail(stage, 12, Failure("TimeoutError", "host 7 did not answer"))
    values = fail(stage, 10, Failure("ValueError", "no such order"))
    fail(stage, 3, Failure("KeyError", "'id'"))
    groups = deployed("dlq", "ls", "--group-by", "error", "-o", "json").json
    assert [(group["type"], group["message"], group["count"]) for group in groups] == [
        ("TimeoutError", "host <n> did not answer", 12),
        ("ValueError", "no such order", 10),
        ("KeyError", "<text>", 3),
    ]
    listed = deployed("dlq", "ls")
    assert "12  TimeoutError: host <n> did not answer" in listed.out
    assert "as many letters (25)" in listed.err
    assert {task["taskId"] for task in deployed("dlq", "ls", "--error", "order", "-o", "json").json} == set(values)

    plan = deployed("dlq", "redrive", "--error", "did not answer", "--dry-run", "-o", "json").json
    assert plan["wouldRedrive"] == 12
    unanswered = deployed("dlq", "redrive", "--error", "did not answer")
    assert unanswered.code == 1
    assert "--yes" in unanswered.err
    done = deployed("dlq", "redrive", "--error", "did not answer", "--yes", "--wait", "-o", "json")
    assert done.code == 0, done.err
    assert (done.json["redriven"], done.json["skipped"], done.json["ended"]) == (12, 13, {"COMPLETED": 12})
    assert {task.status for task in stage.store.get_many(timeouts)} == {Status.COMPLETED}
    assert len(deployed("dlq", "ls", "-o", "json").json) == 13
    assert len(deployed("dlq", "peek", "-n", "20", "-o", "json").json) == 13

    ended = deployed("dlq", "redrive", "--task", timeouts[0], "--yes")
    assert ended.code == 1
    assert "is COMPLETED; only FAILED tasks are redriven" in ended.err
    one = deployed("dlq", "redrive", "--task", values[0], "--yes", "--wait", "-o", "json")
    assert (one.code, one.json["redriven"]) == (0, 1)


def test_what_was_drained_comes_back_by_submit(deployed: Cli, stage: Stage) -> None:
    fail(stage, 15, Failure("ValueError", "no"), payload='{"message":"SUCCESS","n":1234567890123456789012345}')
    stage.dead_letters.send("not a task", {})
    drained = deployed("dlq", "drain", "--to", "letters.jsonl", "--yes", "-o", "json")
    assert drained.json == {"drained": 16, "file": "letters.jsonl"}
    assert deployed("dlq", "peek", "-o", "json").json == []
    assert "were drained" in deployed("dlq", "ls").err
    back = deployed("submit", "--file", "letters.jsonl", "--wait", "-o", "json")
    assert back.code == 0
    assert "left out" in back.err
    assert Counter(task["payload"]["n"] for task in back.json) == {1234567890123456789012345: 15}
    assert deployed("submit", "--file", "letters.jsonl", "-o", "json").json == []
    again = deployed("submit", "--file", "letters.jsonl", "--fresh", "-o", "json").json
    assert {task["taskId"] for task in again} == {task["taskId"] for task in back.json}


def test_everything_about_one_failed_task(deployed: Cli, stage: Stage) -> None:
    task_id = deployed("submit", "-m", "ERROR", "--wait", "-o", "json").json["taskId"]
    shown = deployed("dlq", "show", task_id, "-o", "json").json
    assert len(shown["task"]["history"]) == 2
    assert shown["deadLetter"]["attributes"]["errorType"] == "SimulatedError"
    assert [event["event"] for event in shown["log"]] == ["started", "finished", "postponed", "started", "finished"]
    text = deployed("dlq", "show", task_id).out
    assert "dead letter" in text
    assert "SimulatedError" in text
    unknown = deployed("dlq", "show", "f" * 32)
    assert unknown.code == 1
    assert "There is no task" in unknown.err


def test_a_redrive_that_is_killed_ten_times_loses_nothing_and_runs_nothing_twice(deployed: Cli, stage: Stage) -> None:
    ids = fail(stage, 120, Failure("ValueError", "no"))
    rng = Random(1)
    left = 120
    for _ in range(10):
        left -= rng.randrange(4, 11)
        killed_when(deployed, stage, ("dlq", "redrive", "--yes", "--rate", "60"), left)
    assert deployed("dlq", "redrive", "--yes", "--rate", "0").code == 0
    assert deployed("watch", stdin="\n".join(ids)).code == 0
    tasks = list(stage.store.get_many(ids))
    assert {(task.status, task.epoch, task.attempts) for task in tasks} == {(Status.COMPLETED, 1, 1)}
    # What a killed command held comes back; the next redrive discards it as stale.
    started = Counter(event["taskId"] for event in log_of(deployed, "started"))
    assert {started[task_id] for task_id in ids} == {1}


def test_a_drain_that_is_killed_ten_times_loses_nothing(deployed: Cli, stage: Stage) -> None:
    ids = set(fail(stage, 200, Failure("ValueError", "no")))
    rng = Random(2)
    left = 200
    for _ in range(10):
        left -= rng.randrange(1, 20)
        killed_when(deployed, stage, ("dlq", "drain", "--yes", "--to", "killed.jsonl"), left)
    file = deployed.folder / "killed.jsonl"
    # A kill may leave half a line at the end of the file, whose letter is then still in the queue.
    written = set()
    for line in file.read_text().splitlines():
        try:
            written.add(json.loads(line)["taskId"])
        except ValueError:
            continue
    hidden_or_there = sum(stage.counts(stage.outputs.dead_letter_queue_url))
    assert written <= ids
    assert len(ids - written) <= hidden_or_there


def test_pause_holds_everything_back_and_resume_lets_it_go(deployed: Cli) -> None:
    paused = deployed("pause", "--wait", "-o", "json")
    assert paused.json == {"state": "Disabled", "changed": True, "inFlight": 0}
    try:
        task_id = deployed("submit", "-m", "SUCCESS", "-o", "json").json["taskId"]
        assert deployed("pause", "-o", "json").json["changed"] is False
        assert deployed("info", "-o", "json").json["worker"]["state"] == "Disabled"
        doctor = deployed("doctor", "-o", "json")
        assert doctor.code == 1
        assert [found["check"] for found in doctor.json if found["level"] == "warning"] == ["consumption"]
        assert deployed("watch", task_id, "--timeout", "2").code == 4
        assert deployed("get", task_id, "-o", "json").json["attempts"] == 0
    finally:
        assert deployed("resume", "-o", "json").json == {"state": "Enabled", "changed": True}
    assert deployed("watch", task_id).code == 0


def test_a_cancelled_task_does_not_run_and_one_that_runs_is_not_retried(deployed: Cli, stage: Stage) -> None:
    deployed("pause")
    waiting = deployed("submit", "-m", "SUCCESS", "-o", "json").json["taskId"]
    done = deployed("cancel", waiting, "--yes", "-o", "json")
    deployed("resume")
    assert done.json == [{"taskId": waiting, "outcome": "cancelled", "status": "CANCELLED"}]
    assert deployed("watch", waiting).code == 3
    # Long enough for two commands on a busy machine, short enough for the budget of an attempt.
    running = deployed("submit", "-m", "SLOW:9", "-o", "json").json["taskId"]

    def begun() -> bool:
        found = stage.task(running)
        return found is not None and found.status is not Status.PENDING

    until(begun, "the attempt has begun")
    asked = deployed("cancel", running, "--yes", "-o", "json")
    assert asked.json[0]["outcome"] == "requested"
    assert deployed("watch", running).code == 0
    ended = deployed("cancel", running, "f" * 32, "--yes")
    assert ended.code == 1
    assert "had ended before (COMPLETED)" in ended.out
    assert "there is no such task" in ended.out


def test_tasks_are_listed_by_state(deployed: Cli, stage: Stage) -> None:
    failed = fail(stage, 3, Failure("ValueError", "no"))
    assert [task["taskId"] for task in deployed("ls", "--status", "failed", "-o", "json").json] == failed[::-1]
    done = deployed("submit", "-m", "SUCCESS", "--wait", "-o", "json").json
    assert deployed("ls", "--status", "COMPLETED", "--limit", "1", "-o", "json").json == [done]
    listed = deployed("ls", "--since", "5m")
    assert done["taskId"] in listed.out
    assert "of the table read" in listed.err


def test_logs_of_one_task_from_both_functions(deployed: Cli) -> None:
    task_id = deployed("submit", "-m", "SUCCESS", "--wait", "-o", "json").json["taskId"]
    events = [json.loads(line) for line in deployed("logs", "--task", task_id, "-o", "json").out.splitlines()]
    assert [(event["function"], event["event"]) for event in events] == [
        ("api", "accepted"),
        ("worker", "started"),
        ("worker", "finished"),
    ]
    assert not any("payload" in event for event in events)
    only = deployed("logs", "--task", task_id, "--function", "api").out
    assert "accepted" in only
    assert "started" not in only
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


def test_a_healthy_stage_has_nothing_to_put_right(deployed: Cli, stage: Stage) -> None:
    done = deployed("doctor", "-o", "json")
    assert done.code == 0, done.out
    checks = {found["check"] for found in done.json}
    assert checks >= {"engine", "credentials", "clock", "stack", "drift", "parameters", "permissions", "tasks"}
    assert {found["level"] for found in done.json} == {"ok"}


def test_doctor_puts_letters_right_when_asked(deployed: Cli, stage: Stage) -> None:
    put_failed(stage, failed_task(uuid.uuid4().int, now(), Failure("ValueError", "no")), letter=False)
    planned = deployed("doctor", "--fix", "--dry-run", "-o", "json").json
    assert [found["repair"] for found in planned if found["fixable"]] == ["would be put right (--dry-run)"]
    assert deployed("dlq", "peek", "-o", "json").json == []
    fixed = deployed("doctor", "--fix", "--yes", "-o", "json").json
    assert [found["repair"] for found in fixed if found["fixable"]] == ["sent 1 dead letter again"]
    assert len(deployed("dlq", "peek", "-o", "json").json) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("dlq", "ls", "--since", "soon"), "is no moment"),
        (("dlq", "ls", "--group-by", "colour"), "neither error nor none"),
        (("dlq", "redrive", "--since", "1h", "--until", "2h"), "later than --until"),
        (("dlq", "drain"), "--to FILE.jsonl"),
        (("ls", "--status", "LOST"), "is no state of a task"),
        (("logs", "--function", "cron"), "neither api nor worker"),
        (("logs", "--level", "LOUD"), "Choose one of"),
    ],
)
def test_options_that_make_no_sense(deployed: Cli, arguments: tuple[str, ...], says: str) -> None:
    done = deployed(*arguments)
    assert done.code == 2
    assert says in done.err


def test_a_file_that_cannot_be_written_drains_nothing(deployed: Cli, stage: Stage) -> None:
    (failed,) = fail(stage, 1, Failure("ValueError", "no"))
    done = deployed("dlq", "drain", "--to", "no/such/folder/file.jsonl", "--yes")
    assert done.code == 1
    assert "Nothing was drained" in done.err
    assert failed in [letter["taskId"] for letter in deployed("dlq", "peek", "-o", "json").json]


def killed_when(cli: Cli, stage: Stage, arguments: tuple[str, ...], left: int) -> None:
    """Run a command, and kill it as soon as no more than `left` letters are in the queue, seen or hidden."""
    process = cli.start(*arguments)
    while process.poll() is None and sum(stage.counts(stage.outputs.dead_letter_queue_url)) > left:
        pass
    process.kill()
    process.communicate()


def log_of(cli: Cli, name: str) -> list[dict[str, object]]:
    lines = cli("logs", "--function", "worker", "--since", "10m", "-o", "json").out.splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == name]
