"""The tasks of one command: what is accepted, what an earlier run had accepted, and what the disk cannot hold."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from ftask.client.answers import Accepted
from ftask.client.errors import ApiError
from ftask.core.errors import FtaskError
from ftask.submission.job import InputTask, Job, NotARecordError, Rejected

TASKS = [InputTask('{"a":1}'), InputTask('{"b":1}'), InputTask('{"a":1}'), InputTask("{}", "own")]


@contextmanager
def a_job(record: Path, tasks: list[InputTask]) -> Iterator[tuple[Job, int]]:
    """A job of these tasks that keeps its record there, and how many of them it has already."""
    job = Job()
    job.add(tasks)
    yield job, job.resume(record)


def accept(job: Job, *positions: int) -> None:
    tasks = list(job.to_send())
    job.note([(tasks[at], Accepted(f"t{at}", "PENDING", "now")) for at in positions])


def test_a_later_run_sends_what_was_not_accepted_under_the_same_keys(tmp_path: Path) -> None:
    with a_job(tmp_path / "record", TASKS) as (job, known):
        keys = [task.key for task in job.to_send()]
        assert (known, len(set(keys)), keys[3]) == (0, 4, "own")
        accept(job, 0, 3)
        assert [answer.task_id for answer in job.accepted()] == ["t0", "t3"]
    # A line before them does not make them others.
    with a_job(tmp_path / "record", [InputTask("[]"), *TASKS]) as (job, known):
        assert known == 2
        assert [task.key for task in job.to_send()][1:] == keys[1:3]
        assert list(job.accepted()) == []
        job.watch()
        assert list(job.watched()) == ["t0", "t3"]


def test_an_edited_line_and_one_of_another_type_are_other_tasks(tmp_path: Path) -> None:
    with a_job(tmp_path / "record", [InputTask("{}")]) as (job, _):
        accept(job, 0)
    for other in (InputTask('{"c":1}'), InputTask("{}", type="a")):
        with a_job(tmp_path / "record", [other]) as (_, known):
            assert known == 0


def test_a_key_that_is_no_text_is_recorded_like_any_other(tmp_path: Path) -> None:
    with a_job(tmp_path / "record", [InputTask("{}", "\ud800")]) as (job, _):
        accept(job, 0)
    with a_job(tmp_path / "record", [InputTask("{}", "\ud800"), InputTask("{}", "\udc00")]) as (job, known):
        assert known == 1
        assert [task.key for task in job.to_send()] == ["\udc00"]


def test_without_a_record_each_run_has_other_keys() -> None:
    keys = []
    for _ in range(2):
        job = Job()
        job.add([InputTask("{}")])
        keys += [task.key for task in job.to_send()]
    assert len(set(keys)) == 2


def test_tasks_come_back_as_they_were_while_outcomes_are_noted() -> None:
    line = "\n\r\u2028\ud800"
    tasks = [InputTask(f'{{"n":{n}}}', None, n, "send") for n in range(1200)]
    job = Job()
    job.add(tasks)
    job.reject(Rejected(5, line, line))
    reading = job.to_send()
    while batch := list(islice(reading, 100)):
        job.note([(task, ApiError(422, line) if task.number % 3 else ApiError(503, "later")) for task in batch])
    assert job.first_unavailable is not None
    assert [task._replace(number=0, key=None) for task in job.to_send()] == tasks
    assert job.rejected_count == 801
    assert next(job.rejected()) == Rejected(5, line, line)


@pytest.mark.parametrize("content", ["my notes\n", "SQLite format 3\0"])
def test_another_file_is_not_a_record(tmp_path: Path, content: str) -> None:
    (tmp_path / "record").write_text(content)
    with pytest.raises(NotARecordError, match="not a record of accepted tasks"), a_job(tmp_path / "record", TASKS):
        pass
    assert (tmp_path / "record").read_text() == content


def test_a_full_disk_is_said() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    job = Job()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(FtaskError, match="Cannot keep the tasks in") as caught:
            job.add(InputTask("x" * 100_000) for _ in range(200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "TMPDIR" in str(caught.value.hint)
    assert isinstance(caught.value.__cause__, sqlite3.Error)
