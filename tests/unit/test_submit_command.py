"""`ftask submit --file` when a request fails, as its user sees it."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import pytest
from typer.testing import CliRunner

from ftask.cli import app
from ftask.cli.invocation import Invocation
from ftask.core.payload import MAX_BATCH_TASKS
from ftask.submission.sending import BATCHES_AHEAD
from tests.support.fake_http import Reply, accepted, fake_client, refused


class Submit(Protocol):
    """Takes what the API answers to a path and a body, and further options; gives the result of the runner."""

    def __call__(self, reply: Callable[[str, Any], Reply | None], *options: str) -> Any: ...


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.jsonl"
    path.write_text("".join(f'{{"n":{number}}}\n' for number in range(250)))
    return path


@pytest.fixture
def submit(monkeypatch: pytest.MonkeyPatch, file: Path) -> Submit:
    """Runs `ftask submit --file` against an API that answers so."""
    monkeypatch.setattr(Invocation, "target", SimpleNamespace(stage_name="local", default_stage="local"))

    def run(reply: Callable[[str, Any], Reply | None], *options: str) -> Any:
        client, _, _ = fake_client(reply)
        monkeypatch.setattr(Invocation, "api", client)
        return CliRunner().invoke(app, ["submit", "--file", str(file), *options])

    return run


@pytest.mark.parametrize(
    "content",
    [b"notes\n", b"\xff\xfe", b"\0", b"SQLite format 3\0", b"SQLite format 3\0" + b"x" * 5000],
)
def test_what_is_not_a_record_of_accepted_tasks_is_left_alone(submit: Submit, file: Path, content: bytes) -> None:
    record = file.with_name("tasks.jsonl.local.accepted")
    record.write_bytes(content)
    done = submit(accept)
    assert done.exit_code == 2
    assert "is not a record of accepted tasks, or is damaged" in " ".join(done.output.split())
    assert record.read_bytes() == content


def test_another_database_is_left_alone(submit: Submit, file: Path) -> None:
    record = file.with_name("tasks.jsonl.local.accepted")
    with closing(sqlite3.connect(record)) as database:
        database.execute("CREATE TABLE orders (number INTEGER)")
    before = record.read_bytes()
    assert submit(accept).exit_code == 2
    assert record.read_bytes() == before


def test_a_wrong_call_leaves_no_record(submit: Submit, file: Path) -> None:
    file.write_text("\n")
    assert submit(accept).exit_code == 1
    assert list(file.parent.iterdir()) == [file]


def accept(path: str, body: Any) -> Reply:
    return Reply(202, {"results": [accepted(task["payload"]["n"]) for task in body["tasks"]]})


def test_a_line_keeps_its_own_labels_and_has_those_of_the_command_line_that_it_does_not_name(
    submit: Submit, file: Path
) -> None:
    file.write_text(
        '{"type":"t","payload":{"n":0}}\n'
        '{"type":"t","payload":{"n":1},"group":"acme","unique":60,"uniqueKey":"a","tags":{"plan":"pro","run":"7"}}\n'
    )
    sent: list[Any] = []

    def reply(path: str, body: Any) -> Reply:
        sent.extend(body["tasks"])
        return accept(path, body)

    given = ("--group", "big", "--unique", "until_done", "--tag", "customer=42", "--tag", "plan=free")
    assert submit(reply, *given).exit_code == 0
    labels = [{name: task[name] for name in ("group", "unique", "uniqueKey", "tags") if name in task} for task in sent]
    assert labels == [
        {"group": "big", "unique": "until_done", "tags": {"customer": "42", "plan": "free"}},
        {"group": "acme", "unique": 60, "uniqueKey": "a", "tags": {"customer": "42", "plan": "pro", "run": "7"}},
    ]


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
    ahead = BATCHES_AHEAD * MAX_BATCH_TASKS
    padding = "x" * 1000

    def answer(path: str, body: Any) -> Reply:
        numbers = [task["payload"]["n"] for task in body["tasks"]]
        body.clear()  # the fake keeps it
        return Reply(202, {"results": [accepted(number) if number % 3 else refused(422) for number in numbers]})

    def most_memory(lines: int) -> int:
        file.write_text("".join(f'{{"n":{n},"p":"{padding}"}}\n' + f"no {padding}\n" * (n % 2) for n in range(lines)))
        file.with_name("tasks.jsonl.local.accepted").unlink(missing_ok=True)
        tracemalloc.start()
        try:
            done = submit(answer)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert done.exit_code == 1
        assert len(file.with_name("tasks.jsonl.rejected").read_text().splitlines()) == lines // 2 + -(-lines // 3)
        return peak

    most_memory(3)  # what is made once
    assert most_memory(6 * ahead) < 1.5 * most_memory(2 * ahead)


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


def test_an_interrupted_submission_says_how_many_tasks_go_on_and_how_to_go_on(submit: Submit, file: Path) -> None:
    def interrupt(path: str, body: Any) -> Reply:
        if body["tasks"][0]["payload"]["n"] == 200:
            raise KeyboardInterrupt
        return accept(path, body)

    done = submit(interrupt)
    assert done.exit_code == 130
    text = " ".join(done.stderr.split())
    assert "Accepted 200 of 250 tasks" in text
    assert f"< {file}.local.accepted" in text.replace("accepted ", "accepted")
    assert "Run the command again to submit the others: no task is submitted twice." in text
