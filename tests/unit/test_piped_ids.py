from __future__ import annotations

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from ftask.cli.piped_ids import parse_ids, read_ids
from ftask.cli.usage import UsageError
from ftask.client.answers import Accepted
from ftask.submission.job import InputTask, Job

ONE, TWO = "ab" * 16, "cd" * 16


@pytest.mark.parametrize(
    "text",
    [
        f"{ONE}\n{TWO}\n{ONE}\n",
        f"{ONE}\tFAILED\tE: as {TWO} before\n\n{TWO}\tFAILED\tE: no\n",
        f"{ONE}  PENDING\r\n{TWO}  PENDING\r\n",
        json.dumps([{"taskId": ONE, "payload": {"taskId": 1}}, {"taskId": TWO}], indent=2),
        f'{{"taskId": "{ONE}"}}\n{{"taskId": "{TWO}"}}\n',
        json.dumps([ONE, TWO]),
    ],
)
def test_ids_are_read_from_what_ftask_prints_and_from_lines(text: str) -> None:
    assert parse_ids(text) == [ONE, TWO]


@pytest.mark.parametrize(("text", "ids"), [("", []), ("[]", []), ("abab12\n", ["abab12"])])
def test_no_ids_are_no_error_and_first_digits_are_taken(text: str, ids: list[str]) -> None:
    assert parse_ids(text) == ids


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"FAILED  {ONE}\n", f"Line 1 of stdin does not begin with the id of a task: 'FAILED {ONE}'"),
        (f"{ONE}\nabab is not the id of a task\n", "Line 2"),
        ("abab12 FAILED\n", "Line 1"),
        (f'[{{"taskId": "{ONE}"}}, {{"id": 1}}]', "an element without the id"),
        (f'{{"taskId": "{ONE}"', "begins as JSON and is not"),
        ("[" * 100_000, "begins as JSON and is not"),
    ],
)
def test_what_has_no_ids_is_refused_as_a_whole(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        parse_ids(text)
    assert "one id per line" in str(refused.value.hint)


def test_the_record_of_accepted_tasks_has_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job()
    job.add([InputTask("{}"), InputTask("{}")])
    job.resume(tmp_path / "record")
    job.note(
        [(task, Accepted(task_id, "PENDING", "")) for task, task_id in zip(job.to_send(), (ONE, TWO), strict=True)]
    )
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO((tmp_path / "record").read_bytes())))
    assert read_ids() == [ONE, TWO]
