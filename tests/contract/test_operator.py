"""What an operator does, against every implementation of the AWS APIs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from ftask.actions.cancel import cancel_many
from ftask.actions.discard import discard
from ftask.actions.drain import DrainFile, drain
from ftask.actions.peek import peek
from ftask.actions.reading import done_in
from ftask.actions.redrive import redrive
from ftask.aws.concurrency import RateLimiter
from ftask.aws.stage import Stage
from ftask.cli import app
from ftask.cli.invocation import Invocation
from ftask.core.cancellation import Cancellation
from ftask.core.codec import encode_message
from ftask.core.errors import FtaskError
from ftask.core.item import FAILED_SHARDS, task_to_item
from ftask.core.letters import Verdict
from ftask.core.model import Failure, Message, Removal, RemovalKind, Status
from ftask.core.sqs import SqsDeadLetterReader
from ftask.core.timestamps import now
from ftask.doctor.finding import Finding, Level
from ftask.doctor.overdue_tasks import check_tasks
from ftask.doctor.unmatched_letters import check_letters
from ftask.ops.task_ids import MOST_CANDIDATES, find_in_table
from ftask.selection.failed import count_failed, failures
from ftask.selection.filter import EVERYTHING, TaskFilter
from ftask.selection.scan import MOST_BY_ID, Page, list_newest, newest, scan, scan_tasks, unfinished
from tests.support.builders import TASK_ID, a_running_task, a_task
from tests.support.clock import EPOCH
from tests.support.resources import Resources
from tests.support.stages import failed_task, put_failed, stage_of

TIMEOUT = Failure("TimeoutError", "host 1 did not answer")
VALUE = Failure("ValueError", "no such order")
NO_LIMIT = RateLimiter(0)
DISCARDED = Removal(RemovalKind.DISCARDED, EPOCH, "arn:aws:iam::123456789012:user/ops")
DRAINED = replace(DISCARDED, kind=RemovalKind.DRAINED)
SOON = timedelta(minutes=2)


@pytest.fixture
def stage(backend: Resources) -> Stage:
    return stage_of(backend)


def fail(stage: Stage, number: int, error: Failure = VALUE, *, letter: bool = True) -> str:
    """A task that failed `number` minutes ago."""
    at = EPOCH - timedelta(minutes=number)
    return put_failed(stage, failed_task(number, at, error), letter=letter).task_id


def test_a_task_is_found_by_the_first_digits_of_its_id(stage: Stage) -> None:
    notes: list[str] = []
    ids = [f"{number:03x}{number:029x}" for number in range(60)]
    for task_id in ids:
        stage.store.put(a_task(task_id=task_id))
    assert find_in_table(stage, "02a", notes.append) == ids[42]
    assert "whole table" in notes[0]
    with pytest.raises(FtaskError, match="No task of the stage") as unknown:
        find_in_table(stage, "fff", notes.append)
    assert unknown.value.hint is not None
    with pytest.raises(FtaskError) as several:
        find_in_table(stage, "01", notes.append)
    named = [line.strip() for line in several.value.message.splitlines()[1:]]
    assert len(named) == MOST_CANDIDATES + 1
    assert set(named[:-1]) < set(ids[16:32])
    assert named[-1] == "…"


def outcomes(stage: Stage, selection: TaskFilter) -> Counter[Verdict]:
    return Counter(outcome for batch in redrive(stage, selection, NO_LIMIT) for _, outcome in batch)


def peeked_ids(stage: Stage) -> set[str | None]:
    """The tasks whose letters are in the dead-letter queue; None for a letter of no task."""
    return {peeked.message.task_id if peeked.message else None for peeked in peek(stage, 100)}


def drained(stage: Stage, file: DrainFile, selection: TaskFilter = EVERYTHING) -> Counter[Verdict]:
    outcomes: Counter[Verdict] = Counter()
    for batch in drain(stage, file, lambda: DRAINED, selection):
        outcomes.update(outcome for _, outcome in batch)
    return outcomes


def discarded(stage: Stage, selection: TaskFilter = EVERYTHING) -> Counter[Verdict]:
    return Counter(outcome for batch in discard(stage, selection, lambda: DISCARDED) for _, outcome in batch)


def queued(stage: Stage) -> list[Any]:
    """The messages of the main queue."""
    bodies = []
    while batch := stage.target.sqs.receive_message(QueueUrl=stage.outputs.queue_url, MaxNumberOfMessages=10).get(
        "Messages"
    ):
        bodies += [json.loads(message["Body"]) for message in batch]
    return bodies


def test_failures_come_newest_first_from_all_shards(stage: Stage) -> None:
    ids = [fail(stage, number, letter=False) for number in range(30)]
    assert [task.task_id for task in failures(stage)] == ids
    assert [task.task_id for task in islice(failures(stage), 3)] == ids[:3]


def test_failures_are_selected_by_time_and_error(stage: Stage) -> None:
    ids = [fail(stage, number, TIMEOUT if number % 2 else VALUE, letter=False) for number in range(10)]
    since, until = EPOCH - timedelta(minutes=7), EPOCH - timedelta(minutes=3)
    assert [task.task_id for task in failures(stage, TaskFilter(since=since, until=until))] == ids[3:8]
    assert [task.task_id for task in failures(stage, TaskFilter(error="TIMEOUT"))] == ids[1::2]


def test_failures_are_selected_by_type(stage: Stage) -> None:
    for number, task_type in enumerate(("send", "experiment", "send")):
        put_failed(stage, replace(failed_task(number, EPOCH - timedelta(minutes=number), VALUE), type=task_type))
    assert [task.type for task in failures(stage, TaskFilter(type="send"))] == ["send", "send"]
    assert outcomes(stage, TaskFilter(type="send"))[Verdict.DONE] == 2
    assert [task.type for task in failures(stage)] == ["experiment"]


def test_failures_are_selected_by_tag_in_the_index_and_their_letters_in_the_queue(stage: Stage) -> None:
    ids = [
        put_failed(stage, replace(failed_task(number, EPOCH - timedelta(minutes=number), VALUE), tags=tags)).task_id
        for number, tags in enumerate(({"customer": "42", "plan": "pro"}, {}, {"customer": "42"}, {"customer": "7"}))
    ]
    selection = TaskFilter(tags={"customer": "42"})
    assert [task.task_id for task in failures(stage, selection)] == [ids[0], ids[2]]
    assert outcomes(stage, selection) == {Verdict.DONE: 2, Verdict.SKIPPED: 2}
    assert [task.tags for task in failures(stage)] == [{}, {"customer": "7"}]


@pytest.mark.parametrize(
    ("command", "changed", "letters"),
    [
        ("ls", set(), {"mine", "other"}),
        ("ls --status FAILED", set(), {"mine", "other"}),
        ("dlq ls", set(), {"mine", "other"}),
        ("cancel --yes", {"mine, waiting"}, {"mine", "other"}),
        ("dlq redrive --yes", {"mine"}, {"other"}),
        ("dlq discard --yes", {"mine"}, {"other"}),
        ("dlq drain --no-save --yes", set(), {"other"}),
    ],
)
def test_a_command_with_a_tag_neither_lists_nor_changes_tasks_without_it(
    moto_resources: Resources, monkeypatch: pytest.MonkeyPatch, command: str, changed: set[str], letters: set[str]
) -> None:
    stage = stage_of(moto_resources)
    vars(stage.target)["sts"] = SimpleNamespace(get_caller_identity=lambda: {"Arn": DISCARDED.by})
    monkeypatch.setattr(Invocation, "stage", stage)
    monkeypatch.setattr(Invocation, "target", stage.target)
    names = {}
    for number, owner in enumerate(("mine", "other")):
        tags = {"customer": owner}
        names[put_failed(stage, replace(failed_task(number, EPOCH, VALUE), tags=tags)).task_id] = owner
        waiting = a_task(task_id=f"{number + 2:032x}", tags=tags)
        stage.store.put(waiting)
        names[waiting.task_id] = f"{owner}, waiting"
    before = {task_id: stage.task(task_id) for task_id in names}
    done = CliRunner().invoke(app, [*command.split(), "--tag", "customer=mine", "-o", "json"])
    assert done.exit_code == 0, done.output
    if " ls" in f" {command}":
        listed = {names[task["taskId"]] for task in json.loads(done.stdout)}
        assert listed == ({"mine", "mine, waiting"} if command == "ls" else {"mine"})
    assert {name for task_id, name in names.items() if stage.task(task_id) != before[task_id]} == changed
    assert {names[str(task_id)] for task_id in peeked_ids(stage)} == letters


def test_failed_tasks_are_counted_by_type_in_the_index(stage: Stage) -> None:
    ids = [fail(stage, number, letter=False) for number in range(20)]
    discarded(stage, TaskFilter(task_ids=frozenset({ids[7]})))
    for number in range(20, 23):
        put_failed(stage, replace(failed_task(number, EPOCH, VALUE), type="send"))
    stage.store.put(a_task())
    counts = [count_failed(stage, task_type) for task_type in (None, "experiment", "send", "other")]
    assert counts == [22, 19, 3, 0]


def test_redrive_by_error_moves_exactly_those_and_shows_the_others_again(stage: Stage) -> None:
    ids = [fail(stage, number, TIMEOUT if number % 3 == 0 else VALUE) for number in range(25)]
    counts = outcomes(stage, TaskFilter(error="host 1"))
    assert (counts[Verdict.DONE], counts[Verdict.SKIPPED]) == (9, 16)
    assert {message["taskId"] for message in queued(stage)} == set(ids[::3])
    assert {task.task_id for task in failures(stage)} == set(ids) - set(ids[::3])
    assert peeked_ids(stage) == set(ids) - set(ids[::3])


def test_a_task_without_a_letter_is_redriven_from_the_table(stage: Stage) -> None:
    fail(stage, 1, letter=False)
    fail(stage, 2)
    assert outcomes(stage, TaskFilter())[Verdict.DONE] == 2
    assert len(queued(stage)) == 2
    assert stage.dead_letter_depth().total == 0


def test_a_named_task_is_redriven_with_its_letter_and_no_other(stage: Stage) -> None:
    ids = [fail(stage, number) for number in range(15)]
    assert outcomes(stage, TaskFilter(task_ids=frozenset({ids[7]})))[Verdict.DONE] == 1
    assert [message["taskId"] for message in queued(stage)] == [ids[7]]
    assert peeked_ids(stage) == set(ids) - {ids[7]}
    assert [task.task_id for task in failures(stage, TaskFilter(task_ids=frozenset(ids[6:9])))] == [ids[6], ids[8]]


def test_only_failed_tasks_are_redriven_even_if_others_are_selected(stage: Stage) -> None:
    stage.store.put(a_task())
    assert outcomes(stage, TaskFilter(task_ids=frozenset({TASK_ID}))) == Counter()
    assert queued(stage) == []


def test_a_redrive_that_is_left_early_is_finished_by_the_next(stage: Stage) -> None:
    ids = [fail(stage, number) for number in range(60)]
    first = redrive(stage, TaskFilter(), NO_LIMIT)
    next(first)
    first.close()
    outcomes(stage, TaskFilter())
    assert Counter(message["taskId"] for message in queued(stage)) == Counter(ids)
    assert all(message["epoch"] == 1 for message in queued(stage))
    tasks = list(stage.store.get_many(ids))
    assert {(task.status, task.epoch) for task in tasks} == {(Status.PENDING, 1)}
    assert all(task.history[0].error == VALUE for task in tasks)


def test_redriving_costs_at_most_a_third_of_a_request_a_task(stage: Stage) -> None:
    for number in range(200):
        fail(stage, number)
    requests = 0

    def count(**_: Any) -> None:
        nonlocal requests
        requests += 1

    stage.target.sqs.meta.events.register("before-call.sqs.*", count)
    assert outcomes(stage, TaskFilter())[Verdict.DONE] == 200
    # Receive, send and delete by tens, and one empty answer for each of the four connections.
    assert requests <= 0.35 * 200


def test_a_drained_letter_is_in_the_file_before_it_leaves_the_queue(stage: Stage, tmp_path: Path) -> None:
    ids = {fail(stage, number) for number in range(25)}
    stage.dead_letters.send("not a task", {"errorType": "MalformedMessage"})
    path = tmp_path / "letters.jsonl"
    path.write_text('{"kept": true}\n')
    file = DrainFile(path)
    assert drained(stage, file) == {Verdict.DONE: 26}
    file.close()
    kept, *lines = map(json.loads, path.read_text().splitlines())
    assert {line["type"] for line in lines if "payload" in line} == {"experiment"}
    assert kept == {"kept": True}
    assert {line["taskId"] for line in lines if "payload" in line} == ids
    assert [line["body"] for line in lines if "payload" not in line] == ["not a task"]
    assert stage.dead_letter_depth().total == 0
    assert list(failures(stage)) == []
    assert {task.removal for task in stage.store.get_many(sorted(ids))} == {DRAINED}
    assert outcomes(stage, EVERYTHING) == {}
    assert queued(stage) == []


def test_letters_that_are_not_saved_leave_their_tasks_on_the_list(stage: Stage) -> None:
    task_id = fail(stage, 1)
    list(drain(stage, None, None))
    assert [task.task_id for task in failures(stage)] == [task_id]


def test_discard_takes_exactly_the_selected_tasks_off_the_list(stage: Stage) -> None:
    ids = [fail(stage, number, TIMEOUT if number % 3 == 0 else VALUE) for number in range(15)]
    without_letter = fail(stage, 20, TIMEOUT, letter=False)
    assert discarded(stage, TaskFilter(error="host 1")) == {Verdict.DONE: 6, Verdict.SKIPPED: 10}
    left = set(ids) - set(ids[::3])
    assert {task.task_id for task in failures(stage)} == left
    assert peeked_ids(stage) == left
    task = stage.task(without_letter)
    assert task is not None
    assert (task.status, task.removal, task.last_error) == (Status.FAILED, DISCARDED, TIMEOUT)
    assert discarded(stage, TaskFilter(error="host 1")) == {Verdict.SKIPPED: 10}


def test_a_discarded_task_is_redriven_only_by_its_name(stage: Stage) -> None:
    task_id, other = fail(stage, 1), fail(stage, 2)
    discarded(stage, TaskFilter(task_ids=frozenset({task_id})))
    # As an interrupted discard leaves it.
    stage.dead_letters.send(encode_message(Message(task_id)), {})
    assert outcomes(stage, EVERYTHING) == {Verdict.DONE: 1, Verdict.STALE: 1}
    assert [message["taskId"] for message in queued(stage)] == [other]
    named = TaskFilter(task_ids=frozenset({task_id}))
    assert list(failures(stage, named)) == []
    assert outcomes(stage, named)[Verdict.DONE] == 1
    assert [message["taskId"] for message in queued(stage)] == [task_id]
    task = stage.task(task_id)
    assert task is not None
    assert (task.status, task.epoch, task.removal) == (Status.PENDING, 1, None)


def test_a_task_that_was_redriven_or_discarded_meanwhile_keeps_what_was_first(stage: Stage) -> None:
    task_id = fail(stage, 1)
    assert not stage.store.remove(task_id, 1, DISCARDED)
    assert stage.store.remove(task_id, 0, DISCARDED)
    assert stage.store.remove(task_id, 0, DRAINED)
    task = stage.task(task_id)
    assert task is not None
    assert task.removal == DISCARDED
    assert not stage.store.remove("f" * 32, 0, DISCARDED)


def test_a_drain_discards_stale_letters_and_leaves_those_that_are_being_settled(stage: Stage, tmp_path: Path) -> None:
    consistent: list[bool] = []
    stage.target.dynamodb.meta.events.register(
        "provide-client-params.dynamodb.BatchGetItem",
        lambda params, **_: consistent.extend(keys["ConsistentRead"] for keys in params["RequestItems"].values()),
    )
    waits = fail(stage, 1)
    redriven = a_task(task_id="a" * 32, epoch=1)
    completed = a_task(task_id="b" * 32, status=Status.COMPLETED, attempts=1)
    running = a_running_task(task_id="c" * 32)
    for task in (redriven, completed, running):
        stage.target.dynamodb.put_item(TableName=stage.outputs.table, Item=task_to_item(task))
        stage.dead_letters.send(encode_message(Message(task.task_id)), {})
    states = {peeked.message.task_id: peeked.verdict for peeked in peek(stage, 100) if peeked.message}
    assert states == {
        waits: Verdict.CURRENT,
        redriven.task_id: Verdict.STALE,
        completed.task_id: Verdict.STALE,
        running.task_id: Verdict.UNSETTLED,
    }
    consistent.clear()
    path = tmp_path / "letters.jsonl"
    file = DrainFile(path)
    assert drained(stage, file) == {Verdict.DONE: 1, Verdict.STALE: 2, Verdict.UNSETTLED: 1}
    file.close()
    assert [json.loads(line)["taskId"] for line in path.read_text().splitlines()] == [waits]
    assert stage.dead_letter_depth().total == 1
    assert set(consistent) == {True}


def test_a_drain_by_type_leaves_all_other_letters_where_redrive_and_peek_see_them(stage: Stage, tmp_path: Path) -> None:
    for number in range(15):
        task_type = "send" if number % 3 == 0 else "wave"
        put_failed(stage, replace(failed_task(number, EPOCH, VALUE), type=task_type))
    stage.dead_letters.send("not a task", {})
    path = tmp_path / "letters.jsonl"
    file = DrainFile(path)
    counts = drained(stage, file, TaskFilter(type="send"))
    file.close()
    assert counts == {Verdict.DONE: 5, Verdict.SKIPPED: 10, Verdict.UNKNOWN: 1}
    assert {json.loads(line)["type"] for line in path.read_text().splitlines()} == {"send"}
    assert peeked_ids(stage) == {f"{number:032x}" for number in range(15) if number % 3} | {None}


def test_the_rate_of_a_redrive_counts_redriven_tasks_only(stage: Stage) -> None:
    for number in range(30):
        fail(stage, number, TIMEOUT if number == 7 else VALUE)
    waited: list[float] = []
    limiter = RateLimiter(0.5, clock=lambda: 0.0, sleep=waited.append)
    batches = list(redrive(stage, TaskFilter(error="host 1"), limiter))
    assert sum(map(done_in, batches)) == 1
    # The next task would have to wait two seconds: the 29 other letters cost nothing.
    limiter.wait(0)
    assert waited[-1] == 2.0


def test_a_drain_that_cannot_write_leaves_the_letters_in_the_queue(stage: Stage, tmp_path: Path) -> None:
    fail(stage, 1)
    file = DrainFile(tmp_path / "letters.jsonl")
    file.close()
    with pytest.raises(ValueError, match="closed file"):
        list(drain(stage, file, None))
    assert stage.dead_letter_depth().total == 1
    with pytest.raises(FtaskError, match="Nothing was drained"):
        DrainFile(tmp_path)


def test_peeking_takes_nothing_and_shows_what_is_not_a_task(stage: Stage) -> None:
    ids = {fail(stage, number) for number in range(12)}
    stage.dead_letters.send("not a task", {})
    for _ in range(2):
        letters = list(peek(stage, 100))
        assert {peeked.message.task_id for peeked in letters if peeked.message} == ids
        assert [peeked.reason for peeked in letters if not peeked.message] == ["the body is not JSON"]
        assert all(peeked.letter.sent_at and abs(now() - peeked.letter.sent_at) < SOON for peeked in letters)
    assert len(list(peek(stage, 3))) == 3


def test_a_scan_finds_tasks_with_any_status(stage: Stage) -> None:
    fail(stage, 1, TIMEOUT, letter=False)
    for number in range(10, 20):
        stage.store.put(a_task(task_id=f"{number:032x}", created_at=EPOCH + timedelta(seconds=number)))
    pending = newest(scan_tasks(stage, TaskFilter(statuses=(Status.PENDING,))), 3)
    assert [task.task_id for task in pending] == [f"{number:032x}" for number in (19, 18, 17)]
    assert len(newest(scan_tasks(stage, TaskFilter(since=EPOCH + timedelta(seconds=15))), 0)) == 5
    assert len(newest(scan_tasks(stage, TaskFilter(error="did not answer")), 0)) == 1
    assert sum(len(page.items) for page in scan(stage, projection=("status", "taskId"))) == 11


def test_a_list_reads_whole_only_the_tasks_that_it_shows(stage: Stage) -> None:
    for number in range(30):
        stage.store.put(a_task(task_id=f"{number:032x}", created_at=EPOCH + timedelta(seconds=number)))
    pages: list[Page] = []

    def follow(scanned: Iterator[Page]) -> Iterator[Page]:
        for page in scanned:
            pages.append(page)
            yield page

    tasks = list_newest(stage, TaskFilter(), 3, follow)
    assert tasks == [stage.task(f"{number:032x}") for number in (29, 28, 27)]
    assert {frozenset(item) for page in pages for item in page.items} == {frozenset({"taskId", "createdAt"})}
    assert sum(page.read for page in pages) == 30
    assert list_newest(stage, TaskFilter(), 0)[:3] == list_newest(stage, TaskFilter(), MOST_BY_ID + 1)[:3] == tasks


def test_a_list_has_no_task_that_its_filter_no_longer_selects(stage: Stage) -> None:
    for number in range(10):
        stage.store.put(a_task(task_id=f"{number:032x}", created_at=EPOCH + timedelta(seconds=number)))

    def change(scanned: Iterator[Page]) -> Iterator[Page]:
        yield from scanned
        stage.canceller.cancel(f"{9:032x}")
        stage.target.dynamodb.delete_item(TableName=stage.outputs.table, Key={"taskId": {"S": f"{7:032x}"}})

    pending = list_newest(stage, TaskFilter(statuses=(Status.PENDING,)), 3, change)
    assert [task.task_id for task in pending] == [f"{number:032x}" for number in (8, 6, 5)]


@pytest.mark.parametrize(
    "task_filter",
    [
        TaskFilter(),
        TaskFilter(statuses=(Status.PENDING, Status.FAILED)),
        TaskFilter(type="send"),
        TaskFilter(since=EPOCH),
        TaskFilter(error="did not"),
        TaskFilter(error="Timeout"),
        TaskFilter(error="TIMEOUTerror: host <n>"),
        TaskFilter(tags={"customer": "42"}),
        TaskFilter(tags={"customer": "42", "a.b": "x"}),
        TaskFilter(until=EPOCH - timedelta(milliseconds=1)),
        TaskFilter("no such", EPOCH, EPOCH, "send", (Status.FAILED,)),
    ],
    ids=str,
)
def test_the_table_and_the_reader_agree_on_what_a_filter_selects(
    moto_resources: Resources, task_filter: TaskFilter
) -> None:
    stage = stage_of(moto_resources)
    tasks = [
        a_task(status=status, type=task_type, created_at=at, last_error=error, tags=tags)
        for status in Status
        for task_type in ("send", "experiment")
        for at in (EPOCH - timedelta(milliseconds=1), EPOCH)
        for error in (None, TIMEOUT, VALUE)
        for tags in ({}, {"customer": "42"}, {"customer": "42", "a.b": "x"}, {"customer": "7"})
    ]
    tasks = [replace(task, task_id=f"{number:032x}") for number, task in enumerate(tasks)]
    for task in tasks:
        stage.target.dynamodb.put_item(TableName=stage.outputs.table, Item=task_to_item(task))
    scanned = {item["taskId"]["S"] for page in scan_tasks(stage, task_filter) for item in page.items}
    assert scanned == {task.task_id for task in tasks if task_filter.matches(task)}


def test_all_unfinished_tasks_of_a_type_are_cancelled(stage: Stage) -> None:
    statuses = (Status.PENDING, Status.RETRYING, Status.PROCESSING, Status.COMPLETED)
    for number, status in enumerate(statuses):
        for task_type in ("greet", "wave"):
            task = a_task(task_id=f"{number}{task_type}".encode().hex().ljust(32, "0"), type=task_type, status=status)
            stage.target.dynamodb.put_item(TableName=stage.outputs.table, Item=task_to_item(task))
    selected = list(unfinished(stage, TaskFilter(type="greet")))
    assert {task.status for task in selected} == set(statuses[:3])
    outcomes = Counter(result.outcome for result in cancel_many(stage, [task.task_id for task in selected]))
    assert outcomes == {Cancellation.CANCELLED: 2, Cancellation.REQUESTED: 1}
    left = [task for task in unfinished(stage, TaskFilter()) if task.cancel_requested_at is None]
    assert [task.type for task in left] == ["wave"] * 3
    assert not list(unfinished(stage, TaskFilter(statuses=(Status.PENDING,), type="greet")))


def test_cancelling_returns_its_outcome(stage: Stage) -> None:
    stage.store.put(a_task())
    canceller = stage.canceller
    assert canceller.cancel(TASK_ID)[0] is Cancellation.CANCELLED
    again, task = canceller.cancel(TASK_ID)
    assert again is Cancellation.CANCELLED
    assert task is not None
    assert task.status is Status.CANCELLED
    assert canceller.cancel(fail(stage, 1))[0] is Cancellation.ENDED
    assert canceller.cancel("f" * 32) == (Cancellation.UNKNOWN, None)


def check(stage: Stage, *, is_consuming: bool = True) -> list[Finding]:
    return list(check_tasks(stage, is_consuming=is_consuming))


def test_a_task_whose_message_is_gone_is_found_and_sent_again(stage: Stage) -> None:
    stage.store.put(a_task())
    stage.store.put(a_task(task_id="f" * 32, created_at=now(), updated_at=now()))
    (finding,) = check(stage)
    assert finding.level is Level.ERROR
    assert f"1 task, {TASK_ID}, is overdue: no message in the queue will start it." in finding.message
    assert finding.fix is not None
    assert finding.fix() == "sent 1 message again"
    assert [message["taskId"] for message in queued(stage)] == [TASK_ID]


def test_tasks_behind_a_backlog_are_not_overdue(stage: Stage) -> None:
    stage.store.put(a_task())
    stage.target.sqs.send_message(QueueUrl=stage.outputs.queue_url, MessageBody="{}")
    (finding,) = check(stage)
    assert (finding.level, finding.fix) == (Level.NOTE, None)
    assert "1 task waits longer than usual: the queue holds 1 message." in finding.message


def test_tasks_whose_messages_are_in_flight_are_not_overdue(stage: Stage) -> None:
    for number in range(3):
        stage.store.put(a_task(task_id=f"{number:032x}"))
        stage.queue.send(Message(f"{number:032x}"))
    assert len(queued(stage)) == 3
    (finding,) = check(stage)
    assert (finding.level, finding.fix) == (Level.NOTE, None)
    assert "3 tasks wait longer than usual: 3 messages in flight come back" in finding.message
    stage.store.put(a_task(task_id="f" * 32))
    (finding,) = check(stage)
    assert finding.level is Level.ERROR
    assert "overdue: the queue holds 3 messages for 4 unfinished tasks." in finding.message


def test_a_deleted_item_that_has_a_message_is_named(stage: Stage) -> None:
    for number in range(12):
        stage.store.put(a_task(task_id=f"{number:032x}", created_at=now(), updated_at=now()))
        stage.queue.send(Message(f"{number:032x}"))
    stage.queue.send(Message(TASK_ID))
    findings = check(stage, is_consuming=False)
    assert [finding.level for finding in findings] == [Level.OK, Level.WARNING]
    assert f"1 task, {TASK_ID}, was deleted from the table" in findings[1].message
    assert stage.queue_depth().visible == 13
    # The worker drops such a message by itself, at once.
    assert [finding.level for finding in check(stage)] == [Level.OK]


def test_letters_and_failures_are_compared_and_repaired(stage: Stage) -> None:
    at = now()
    put_failed(stage, failed_task(1, at, VALUE))
    without_letter = put_failed(stage, failed_task(2, at, VALUE), letter=False).task_id
    stage.store.put(a_task(epoch=1))
    for body in (encode_message(Message(TASK_ID)), encode_message(Message("f" * 32)), "not a task"):
        stage.dead_letters.send(body, {})
    findings = list(check_letters(stage))
    texts = [finding.message for finding in findings]
    assert [finding.level for finding in findings] == [Level.NOTE, Level.WARNING, Level.NOTE]
    assert "1 stale dead letter: their tasks were redriven" in texts[0]
    assert texts[1] == f"1 dead letter not of a task, 1 dead letter whose task is gone, like {'f' * 32}."
    assert texts[2] == f"1 failed task without a dead letter, like {without_letter}: 1 deleted."
    repairs = [finding.fix() for finding in findings if finding.fix]
    assert repairs == ["deleted 1 stale letter", "sent 1 dead letter again"]
    # Nobody holds a letter afterwards, so a second look sees all of them.
    assert stage.dead_letter_depth().in_flight == 0
    assert [finding.level for finding in check_letters(stage)] == [Level.WARNING]


def test_a_letter_that_must_have_expired_is_missed_though_the_counts_agree(stage: Stage) -> None:
    old = put_failed(stage, failed_task(1, now() - timedelta(days=15), VALUE), letter=False).task_id
    put_failed(stage, failed_task(2, now(), VALUE))
    stage.dead_letters.send(encode_message(Message(f"{2:032x}")), {})
    (finding,) = check_letters(stage)
    assert finding.message == f"1 failed task without a dead letter, like {old}: 1 expired after 14 days."


def test_letters_that_somebody_holds_are_not_missed(stage: Stage) -> None:
    for number in range(2):
        put_failed(stage, failed_task(number, now(), VALUE))
    put_failed(stage, failed_task(3, now(), VALUE), letter=False)
    held = stage.dead_letter_reader.receive(1)
    (finding,) = check_letters(stage)
    assert (finding.level, finding.fix) == (Level.NOTE, None)
    assert "holds 1 dead letter: not all could be compared" in finding.message
    stage.dead_letter_reader.release([letter.receipt_handle for letter in held])
    (finding,) = check_letters(stage)
    assert "1 failed task without a dead letter" in finding.message


def test_as_many_letters_as_failures_are_only_counted(moto_resources: Resources) -> None:
    stage = stage_of(moto_resources)
    for number in range(300):
        put_failed(stage, failed_task(number, now(), VALUE))
    requests: list[str] = []
    for client in (stage.target.sqs, stage.target.dynamodb):
        client.meta.events.register("before-call.*.*", lambda model, **_: requests.append(model.name))
    (finding,) = check_letters(stage)
    assert (finding.level, finding.message) == (Level.OK, "300 failed tasks, one dead letter for each")
    assert Counter(requests) == {"Query": FAILED_SHARDS, "GetQueueAttributes": 1}


def test_letters_are_held_until_all_are_read(moto_resources: Resources) -> None:
    stage = stage_of(moto_resources)
    for number in range(30):
        put_failed(stage, failed_task(number, now(), VALUE), letter=number > 0)
    hidden: list[int] = []
    stage.target.sqs.meta.events.register(
        "provide-client-params.sqs.ReceiveMessage", lambda params, **_: hidden.append(params["VisibilityTimeout"])
    )
    list(check_letters(stage))
    # A second for each request in addition, far more than one takes.
    assert set(hidden) == {SqsDeadLetterReader.VISIBILITY_SECONDS + 2}
