"""What the product promises, seen from outside."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ftask.aws.stack import deployed_stack
from ftask.aws.target import Target
from ftask.submission.job import recorded_ids
from tests.support.cli import Cli
from tests.support.waiting import until

pytestmark = pytest.mark.engine


@pytest.fixture
def installed(deployed: Cli) -> Cli:
    """Every command is the installed executable itself, and no fork of a process that has imported it."""
    return replace(deployed, warm=False)


def dead_letters_of(target: Target, task_id: str) -> list[Any]:
    """The task's dead letters, left where they are."""
    url = deployed_stack(target).outputs.dead_letter_queue_url
    letters = []
    receipts = []
    while batch := target.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=60
    ).get("Messages"):
        for letter in batch:
            receipts.append(letter["ReceiptHandle"])
            if task_id in letter["Body"]:
                letters.append(letter)
    for receipt in receipts:
        target.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
    return letters


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_success_completes_at_the_first_attempt(installed: Cli) -> None:
    done = installed("submit", "--message", "SUCCESS", "--wait")
    assert done.code == 0
    assert "COMPLETED  1 of 2" in done.out


def test_error_fails_after_two_attempts_with_one_dead_letter(installed: Cli, target: Target) -> None:
    done = installed("-o", "json", "submit", "--message", "ERROR", "--wait")
    assert done.code == 3
    task = done.json
    assert (task["status"], task["attempts"]) == ("FAILED", 2)
    (letter,) = dead_letters_of(target, task["taskId"])
    reasons = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert reasons == {
        "taskId": task["taskId"],
        "type": "experiment",
        "epoch": "0",
        "attempts": "2",
        "errorType": "SimulatedError",
        "errorMessage": "the task asked for an error",
        "failedAt": task["failedAt"],
    }


def test_a_large_payload_is_shown_wherever_a_task_is(deployed: Cli, tmp_path: Path) -> None:
    payload = {"message": "ERROR", "n": 1234567890123456789012345678901234567890, "u": "żółć 🎉" * 2000}
    (tmp_path / "payload.json").write_text(json.dumps(payload))
    submitted = deployed("submit", "--payload", f"@{tmp_path / 'payload.json'}", "--wait", "-o", "json")
    assert (submitted.code, submitted.json["payload"]) == (3, payload)
    task_id = submitted.json["taskId"]
    assert deployed("get", task_id, "-o", "json").json["payload"] == payload
    assert json.loads(deployed("watch", task_id, "-o", "json").out)["payload"] == payload
    (listed,) = deployed("ls", "--limit", "1", "-o", "json").json
    assert (listed["taskId"], listed["payload"]) == (task_id, payload)
    assert deployed("dlq", "show", task_id, "-o", "json").json["task"]["payload"] == payload
    groups = deployed("dlq", "ls", "--group-by", "error", "-o", "json").json
    assert [group["payload"] for group in groups if group["example"] == task_id] == [payload]


def test_the_second_attempt_comes_after_the_backoff_and_not_after_the_visibility_timeout(deployed: Cli) -> None:
    task_id = deployed("submit", "--message", "ERROR", "--wait", "-o", "json").json["taskId"]
    task = deployed("-o", "json", "get", task_id).json
    first, second = task["history"]
    assert first["backoffSeconds"] == 2.0
    gap = instant(second["startedAt"]) - instant(first["endedAt"])
    # The engine's poller adds what it needs; the visibility timeout is 120 s.
    assert timedelta(seconds=2) <= gap < timedelta(seconds=60)


def test_three_hundred_tasks_all_end_and_about_nine_in_a_hundred_fail(deployed: Cli) -> None:
    done = deployed("submit", "--message", "hello", "--count", "300", "--wait", "-o", "json")
    assert done.code == 3
    ends = [task["status"] for task in done.json]
    assert len(ends) == 300
    assert set(ends) == {"COMPLETED", "FAILED"}
    # 27 are expected; beyond 6 and 53 lie fewer than one run in 100,000.
    assert 6 <= ends.count("FAILED") <= 53
    assert all(task["attempts"] == 2 for task in done.json if task["status"] == "FAILED")


def test_a_payload_comes_back_exactly_through_api_table_and_command_line(deployed: Cli) -> None:
    text = '{"n":1234567890123456789012345678901234567890,"f":0.1,"e":"","u":"żółć 🎉","deep":{"a":[{}]}}'
    done = deployed("submit", "--wait", "-o", "json", stdin=text)
    assert done.code in (0, 3)
    assert done.json["payload"] == json.loads(text)
    assert "1234567890123456789012345678901234567890" in done.out


def test_the_same_key_and_payload_are_one_task(deployed: Cli) -> None:
    first = deployed("submit", "-m", "SUCCESS", "--key", "order-1", "--wait", "-o", "json")
    again = deployed("submit", "-m", "SUCCESS", "--key", "order-1", "-o", "json")
    assert again.code == 0
    assert again.json["taskId"] == first.json["taskId"]
    assert again.json["status"] == "COMPLETED"
    other = deployed("submit", "-m", "other", "--key", "order-1")
    assert other.code == 2
    assert "belongs to task" in other.err
    assert "another payload" in other.err


def test_a_file_of_lines_is_submitted_line_by_line(deployed: Cli) -> None:
    (deployed.folder / "tasks.jsonl").write_text('{"message":"SUCCESS","i":1}\n\n{"message":"SUCCESS","i":2}\n')
    done = deployed("submit", "--file", "tasks.jsonl", "--wait", "-o", "json")
    assert done.code == 0
    assert [task["payload"]["i"] for task in done.json] == [1, 2]


def test_a_file_that_was_interrupted_goes_on_and_nothing_is_submitted_twice(deployed: Cli) -> None:
    file = deployed.folder / "many.jsonl"
    # A message of its own, by which these tasks can be told from others.
    file.write_text("".join(f'{{"message":"SUCCESS","many":{number}}}\n' for number in range(700)))
    record = deployed.folder / "many.jsonl.local.accepted"

    def accepted() -> int:
        return len(recorded_ids(record.read_bytes()) or []) if record.exists() else 0

    def submit_and_kill() -> None:
        enough = accepted() + 100
        running = deployed.start("submit", "--file", "many.jsonl", "-o", "json")
        until(lambda: running.poll() is not None or accepted() >= enough, "100 more are accepted", look_every=0.01)
        running.kill()
        running.communicate()

    submit_and_kill()
    submit_and_kill()
    assert deployed("submit", "--file", "many.jsonl", "--wait", "-q").code == 0
    ids = set(recorded_ids(record.read_bytes()) or [])
    assert len(ids) == accepted() == 700
    completed = deployed("ls", "--status", "COMPLETED", "--limit", "0", "-o", "json").json
    assert ids <= {task["taskId"] for task in completed}
    assert deployed("submit", "--file", "many.jsonl", "-o", "json").json == []


def test_lines_that_are_no_tasks_are_set_aside_with_their_reasons(deployed: Cli) -> None:
    (deployed.folder / "mixed.jsonl").write_text('{"message":"SUCCESS"}\nnonsense\n{"message":"SUCCESS","n":2}\n')
    done = deployed("submit", "--file", "mixed.jsonl", "-o", "json")
    assert done.code == 1
    assert len(done.json) == 2
    assert "1 line of mixed.jsonl rejected. Line 2: The payload is not JSON" in done.err
    (rejected,) = (deployed.folder / "mixed.jsonl.rejected").read_text().splitlines()
    assert json.loads(rejected)["line"] == 2
    assert json.loads(rejected)["text"] == "nonsense"


def test_watch_tells_each_change_on_a_line_and_ends_with_the_task(deployed: Cli) -> None:
    task_id = deployed("submit", "-m", "ERROR", "-o", "json").json["taskId"]
    done = deployed("watch", task_id)
    assert done.code == 3
    lines = done.out.splitlines()
    assert all(task_id in line for line in lines)
    assert "FAILED" in lines[-1]
    assert "attempt 2 of 2" in lines[-1]


def test_watch_takes_ids_from_a_pipe_and_writes_json_lines(deployed: Cli) -> None:
    ids = [task["taskId"] for task in deployed("submit", "-m", "SUCCESS", "-n", "3", "-o", "json").json]
    done = deployed("watch", "-o", "json", stdin="\n".join(ids))
    assert done.code == 0
    last = {task["taskId"]: task["status"] for task in map(json.loads, done.out.splitlines())}
    assert last == dict.fromkeys(ids, "COMPLETED")


def test_a_wait_that_is_too_short_says_so(deployed: Cli) -> None:
    done = deployed("submit", "-m", "ERROR", "--wait", "--timeout", "0.5")
    assert done.code == 4
    assert "Still open after 0.5 s" in done.err


def test_info_tells_where_things_are_and_how_they_are_set(deployed: Cli) -> None:
    info = deployed("info", "-o", "json").json
    assert info["stackStatus"].endswith("_COMPLETE")
    assert info["worker"]["state"] == "Enabled"
    assert info["parameters"]["ErrorRate"] == "0.3"
    assert info["apiUrl"] in deployed("info").out


def test_a_second_deployment_changes_nothing(deployed: Cli) -> None:
    before = deployed("info", "-o", "json").json["codeSha256"]
    done = deployed("deploy", "--yes", "-o", "json")
    assert done.code == 0
    assert done.json["changes"] == []
    assert done.json["codeSha256"] == before
    assert "No changes" in deployed("deploy").out


def test_a_message_that_is_no_task_goes_to_the_dead_letters_and_blocks_nothing(deployed: Cli, target: Target) -> None:
    parts = deployed_stack(target).outputs
    foreign = json.dumps({"taskId": "not a task, and marked so that this test finds it"})
    target.sqs.send_message(QueueUrl=parts.queue_url, MessageBody=foreign)
    assert deployed("submit", "-m", "SUCCESS", "-n", "5", "--wait").code == 0
    deadline = datetime.now().astimezone() + timedelta(seconds=60)
    while not (letters := dead_letters_of(target, json.loads(foreign)["taskId"])):
        assert datetime.now().astimezone() < deadline
    (letter,) = letters
    assert letter["Body"] == foreign
    assert letter["MessageAttributes"]["errorType"]["StringValue"] == "MalformedMessage"
