"""`ftask submit --file` when a request fails, as its user sees it."""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from ftask.aws.api import Accepted
from ftask.cli import app
from ftask.cli.invocation import Invocation
from ftask.core.payload import MAX_BATCH_TASKS
from ftask.ops.rejected import Rejected
from ftask.ops.submit import BATCHES_AHEAD, InputTask
from tests.support.fake_http import Reply, accepted, fake_client, refused

# Takes what the API answers to a path and a body; gives the result of the runner.
Submit = Callable[[Callable[[str, Any], Reply | None]], Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(f'{{"n":{number}}}\n' for number in range(250)))
    return path


@pytest.fixture
def submit(monkeypatch: pytest.MonkeyPatch, file: Path) -> Submit:
    """Runs `ftask submit --file` against an API that answers so."""
    monkeypatch.setattr(Invocation, "target", SimpleNamespace())

    def run(reply: Callable[[str, Any], Reply | None]) -> Any:
        client, _, _ = fake_client(reply)
        monkeypatch.setattr(Invocation, "api", client)
        return CliRunner().invoke(app, ["submit", "--file", str(file)])

    return run


@pytest.mark.parametrize(
    "content",
    [b"", b"notes\n", b"\xff\xfe", b"\0", b"[]\n", b'{"ftaskAccepted": 1}\n', b'{"ftaskAccepted": 2, "run": "a"}\n'],
)
def test_what_is_not_a_record_of_accepted_tasks_is_left_alone(submit: Submit, file: Path, content: bytes) -> None:
    record = file.with_name("tasks.jsonl.local.accepted")
    record.write_bytes(content)
    done = submit(accept)
    assert done.exit_code == 2
    assert "is not a record of accepted tasks, or is damaged" in " ".join(done.output.split())
    assert record.read_bytes() == content


def test_entries_that_make_no_sense_are_no_accepted_tasks(submit: Submit, file: Path) -> None:
    record = file.with_name("tasks.jsonl.local.accepted")
    record.write_text('{"ftaskAccepted": 1, "run": "a"}\n{"key": []}\n[]\n{"key": 5}\n{"taskId": "a"}\n{"ke')
    assert submit(accept).exit_code == 0
    # The half line did not take the next one along.
    assert len(record.read_text().splitlines()) == 256


def accept(path: str, body: Any) -> Reply:
    return Reply(202, {"results": [accepted(task["payload"]["n"]) for task in body["tasks"]]})


@pytest.mark.parametrize("status", [401, 403, 404, 429, 503, None])
def test_a_request_that_fails_is_reported_once_rejects_no_line_and_the_next_run_continues(
    submit: Submit, file: Path, status: int | None
) -> None:
    rejected = file.with_name("tasks.jsonl.rejected")
    rejected.write_text("of an earlier run\n")

    def fail_later(path: str, body: Any) -> Reply | None:
        if body["tasks"][0]["payload"]["n"] == 0:
            return accept(path, body)
        return None if status is None else Reply(status, {})

    done = submit(fail_later)
    assert done.exit_code == 1
    assert done.stderr.count("Error: ") == 1
    assert "Accepted 100 of 250 tasks." in done.stderr
    assert "Run the command again: no task is submitted twice." in done.stderr
    assert rejected.read_text() == "of an earlier run\n"
    done = submit(accept)
    assert done.exit_code == 0
    assert "Skipped 100 tasks accepted before" in done.stderr
    assert len(done.stdout.splitlines()) == 150
    assert not rejected.exists()


def test_memory_does_not_grow_with_the_file(submit: Submit, file: Path) -> None:
    lines = 6 * BATCHES_AHEAD * MAX_BATCH_TASKS
    # Besides the batches ahead: the one that is filled, the one that is reported, what the collector has yet to see.
    few = 2 * BATCHES_AHEAD * MAX_BATCH_TASKS
    file.write_text("".join(f'{{"n":{number}}}\n' + "no task\n" * (number % 2) for number in range(lines)))
    most: Counter[type] = Counter()
    gc.collect()  # what earlier tests left

    def count_values(path: str, body: Any) -> Reply:
        most_now = Counter(type(value) for value in gc.get_objects())
        for kind in (InputTask, Accepted, Rejected):
            most[kind] = max(most[kind], most_now[kind])
        answers = [accepted(number) if (number := task["payload"]["n"]) % 3 else refused(422) for task in body["tasks"]]
        return Reply(202, {"results": answers})

    done = submit(count_values)
    assert done.exit_code == 1
    assert f"Accepted {lines * 2 // 3:,} of {lines:,} tasks." in done.stderr
    assert len(file.with_name("tasks.jsonl.rejected").read_text().splitlines()) == lines // 2 + lines // 3
    assert 0 < most[InputTask] <= few
    assert 0 < most[Accepted] <= few
    assert most[Rejected] <= few
    # What was accepted is known without being in memory, too.
    most.clear()
    assert submit(count_values).exit_code == 1
    assert 0 < most[InputTask] <= few


def test_a_task_that_is_refused_is_a_rejected_line(submit: Submit, file: Path) -> None:
    file.write_text('{"n":0}\n{"n":1}\n')
    done = submit(lambda path, body: Reply(202, {"results": [accepted(0), refused(422)]}))
    assert done.exit_code == 1
    (line,) = file.with_name("tasks.jsonl.rejected").read_text().splitlines()
    assert json.loads(line) == {"line": 2, "reason": "refused with 422", "text": '{"n":1}'}


def test_a_key_that_a_header_cannot_carry_is_refused_before_anything_is_sent(submit: Submit) -> None:
    done = CliRunner().invoke(app, ["submit", "-m", "SUCCESS", "--key", "order-1 "])
    assert done.exit_code == 2
    assert "--key 'order-1 ': " in done.output
    assert "begins or ends with a space" in done.output
