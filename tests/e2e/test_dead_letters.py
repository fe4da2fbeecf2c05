"""Dead letters through the installed command line: grouped, redriven, drained, shown; killed commands lose none."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest

from ftask.aws.stage import Stage
from ftask.core.codec import encode_message
from ftask.core.model import Failure, Message, Status
from tests.support.cli import Cli
from tests.support.stages import put_failures
from tests.support.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("dead letters")]


def test_failures_are_grouped_and_redriven_by_error_and_the_rest_stays(deployed: Cli, stage: Stage) -> None:
    timeouts = put_failures(stage, 12, Failure("TimeoutError", "host 7 did not answer"))
    values = put_failures(stage, 10, Failure("ValueError", "no such order"))
    put_failures(stage, 3, Failure("KeyError", "'id'"))
    groups = deployed("dlq", "ls", "--group-by", "error", "-o", "json").json
    assert [(group["type"], group["message"], group["count"]) for group in groups] == [
        ("TimeoutError", "host <n> did not answer", 12),
        ("ValueError", "no such order", 10),
        ("KeyError", "<text>", 3),
    ]
    listed = deployed("dlq", "ls")
    assert len(listed.out.splitlines()) == 25
    assert "12\tTimeoutError: host <n> did not answer" in deployed("dlq", "ls", "--group-by", "error").out
    assert "holds one letter for each (25)" in listed.err
    assert {task["taskId"] for task in deployed("dlq", "ls", "--error", "order", "-o", "json").json} == set(values)

    plan = deployed("dlq", "redrive", "--error", "did not answer", "--dry-run", "-o", "json").json
    assert plan["wouldRedrive"] == 12
    for command in ("redrive", "discard", "drain"):
        dry = deployed("dlq", command, "--error", "did not answer", "--dry-run")
        assert dry.code == 0
        assert "12 failed tasks. The newest 5 are shown. Nothing changed (--dry-run)." in dry.out
        assert dry.err.count("TimeoutError") == 5
    plan = deployed("dlq", "drain", "--dry-run", "-o", "json").json
    assert (plan["wouldDrain"], len(plan["sample"]), plan["letters"]) == (25, 5, 25)
    unanswered = deployed("dlq", "redrive", "--error", "did not answer")
    assert unanswered.code == 1
    assert "--yes" in unanswered.err
    done = deployed("dlq", "redrive", "--error", "did not answer", "--yes", "--wait", "-o", "json")
    assert done.code == 0, done.err
    assert (done.json["redriven"], done.json["skipped"], done.json["ended"]) == (12, 13, {"COMPLETED": 12})
    assert {task.status for task in stage.store.get_many(timeouts)} == {Status.COMPLETED}
    assert len(deployed("dlq", "ls", "-o", "json").json) == 13
    assert len(deployed("dlq", "peek", "-n", "20", "-o", "json").json) == 13

    failed = deployed("reschedule", values[0], "--now").err
    assert f"is FAILED; only a waiting task can be rescheduled.\nftask dlq redrive --task {values[0]}" in failed
    ended = deployed("dlq", "redrive", "--task", timeouts[0], "--yes")
    assert ended.code == 1
    assert "is COMPLETED; only FAILED tasks are redriven" in ended.err
    one = deployed("dlq", "redrive", "--task", values[0], "--yes", "--wait", "-o", "json")
    assert (one.code, one.json["redriven"]) == (0, 1)


def test_what_was_drained_comes_back_by_submit(deployed: Cli, stage: Stage) -> None:
    put_failures(stage, 15, Failure("ValueError", "no"), payload='{"message":"SUCCESS","n":1234567890123456789012345}')
    stage.dead_letters.send("not a task", {})
    # What an interrupted redrive leaves behind, of a task that has ended since.
    ended = deployed("submit", "-m", "SUCCESS", "--wait", "-o", "json").json["taskId"]
    stage.dead_letters.send(encode_message(Message(ended)), {})
    peeked = deployed("dlq", "peek", "-n", "20", "-o", "json").json
    assert [letter["taskId"] for letter in peeked if letter["state"] == "stale"] == [ended]
    drained = deployed("dlq", "drain", "--to", "letters.jsonl", "--yes", "-o", "json")
    others = {"skipped": 0, "unsettled": 0, "unknown": 0, "unsent": 0}
    assert drained.json == {"drained": 16, "stale": 1, **others, "file": "letters.jsonl"}
    assert deployed("dlq", "peek", "-o", "json").json == []
    assert deployed("dlq", "ls", "-o", "json").json == []
    back = deployed("submit", "--file", "letters.jsonl", "--wait", "-o", "json")
    assert back.code == 0
    assert "Skipped line" in back.err
    assert Counter(task["payload"]["n"] for task in back.json) == {1234567890123456789012345: 15}
    assert deployed("submit", "--file", "letters.jsonl", "-o", "json").json == []
    # What was submitted again does not run once more by a redrive of everything.
    redriven = deployed("dlq", "redrive", "--yes", "-o", "json").json
    assert redriven["redriven"] == 0
    again = deployed("submit", "--file", "letters.jsonl", "--fresh", "-o", "json").json
    assert {task["taskId"] for task in again} == {task["taskId"] for task in back.json}


def test_discarded_tasks_leave_the_list_and_say_who_and_when(deployed: Cli, stage: Stage) -> None:
    (useless, *_), (kept,) = (put_failures(stage, n, Failure(name, "no")) for n, name in ((3, "KeyError"), (1, "E")))
    plan = deployed("dlq", "discard", "--error", "KeyError", "--dry-run", "-o", "json").json
    assert plan["wouldDiscard"] == 3
    assert "--yes" in deployed("dlq", "discard", "--error", "KeyError").err
    done = deployed("dlq", "discard", "--error", "KeyError", "--yes", "-o", "json").json
    assert done == {"discarded": 3, "stale": 0, "skipped": 1, "unsettled": 0, "unknown": 0, "unsent": 0}
    assert [task["taskId"] for task in deployed("dlq", "ls", "-o", "json").json] == [kept]
    shown = deployed("dlq", "show", useless, "-o", "json").json["task"]
    assert (shown["status"], shown["removal"]["kind"]) == ("FAILED", "DISCARDED")
    assert shown["removal"]["by"].startswith("arn:aws:")
    assert deployed("get", useless, "-o", "json").json["removal"].keys() == {"kind", "at"}


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
    assert "does not exist" in unknown.err


@pytest.fixture
def kills(pytestconfig: pytest.Config) -> int:
    return 10 if pytestconfig.getoption("--whole") else 3


def test_a_redrive_that_is_killed_again_and_again_loses_nothing_and_runs_nothing_twice(
    deployed: Cli, stage: Stage, kills: int
) -> None:
    ids = put_failures(stage, 120, Failure("ValueError", "no"))
    rng = Random(1)
    left = 120
    for _ in range(kills):
        left -= rng.randrange(4, 11)
        killed_when(deployed, stage, ("dlq", "redrive", "--yes", "--rate", "60"), left)
    assert deployed("dlq", "redrive", "--yes", "--rate", "0").code == 0
    assert deployed("watch", stdin="\n".join(ids)).code == 0
    tasks = list(stage.store.get_many(ids))
    assert {(task.status, task.epoch, task.attempts) for task in tasks} == {(Status.COMPLETED, 1, 1)}
    # What a killed command held comes back; the next redrive discards it as stale.
    ran = Counter(event["taskId"] for event in log_of(deployed, "finished"))
    assert {ran[task_id] for task_id in ids} == {1}


def test_a_drain_that_is_killed_again_and_again_loses_nothing(deployed: Cli, stage: Stage, kills: int) -> None:
    ids = set(put_failures(stage, 200, Failure("ValueError", "no")))
    rng = Random(2)
    left = 200
    for _ in range(kills):
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
    hidden_or_there = stage.dead_letter_depth().total
    assert written <= ids
    assert len(ids - written) <= hidden_or_there


def test_a_file_that_cannot_be_written_drains_nothing(deployed: Cli, stage: Stage) -> None:
    (failed,) = put_failures(stage, 1, Failure("ValueError", "no"))
    done = deployed("dlq", "drain", "--to", "no/such/folder/file.jsonl", "--yes")
    assert done.code == 1
    assert "Nothing was drained" in done.err
    assert failed in [letter["taskId"] for letter in deployed("dlq", "peek", "-o", "json").json]


def killed_when(cli: Cli, stage: Stage, arguments: tuple[str, ...], left: int) -> None:
    """Run a command, and kill it as soon as no more than `left` letters are in the queue, seen or hidden."""
    process = cli.start(*arguments)
    until(
        lambda: process.poll() is not None or stage.dead_letter_depth().total <= left,
        f"no more than {left} letters are left",
        look_every=0.01,
    )
    process.kill()
    process.communicate()


def log_of(cli: Cli, name: str) -> list[dict[str, object]]:
    lines = cli("logs", "--function", "worker", "--since", "10m", "-o", "json").out.splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == name]
