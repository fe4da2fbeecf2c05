"""The lines of the log, as people's own queries know them."""

from __future__ import annotations

import json

import pytest

from ftask.core import log
from ftask.core.events import EventName
from tests.support.builders import TASK_ID
from tests.support.events import events_of_tasks, sums

OF_TASK = {"taskId": TASK_ID, "epoch": 0}
TYPE = {"type": "experiment"}
LINES = [
    {"level": "INFO", "event": "accepted", "taskId": TASK_ID, **TYPE},
    {
        "level": "INFO",
        "event": "started",
        **OF_TASK,
        **TYPE,
        "attempt": 1,
        "waitMs": 5,
        "leaseUntil": "2026-01-01T12:00:20.000Z",
    },
    {
        "level": "INFO",
        "event": "finished",
        **OF_TASK,
        **TYPE,
        "attempt": 2,
        "status": "FAILED",
        "waitMs": 5,
        "durationMs": 250,
        "errorType": "ValueError",
    },
    {
        "level": "ERROR",
        "event": "attemptFailed",
        **OF_TASK,
        "attempt": 2,
        "type": "send",
        "errorType": "ValueError",
        "traceback": "ValueError: no",
    },
    {"level": "INFO", "event": "ignored", **OF_TASK, "reason": "already COMPLETED"},
    {"level": "INFO", "event": "postponed", **OF_TASK, "reason": "backing off", "visibleInSeconds": 2},
    {
        "level": "INFO",
        "event": "postponed",
        **OF_TASK,
        "reason": "no time left in this invocation",
        "visibleInSeconds": 0,
        "waitMs": 61_500,
    },
    {
        "level": "INFO",
        "event": "scheduled",
        **OF_TASK,
        "reason": "due later",
        "dueAt": "2026-01-01T12:00:00.000Z",
    },
    {
        "level": "INFO",
        "event": "skipped",
        "type": "report",
        "firingAt": "2026-01-01T12:00:00.000Z",
        "reason": "the schedule is paused",
    },
    {
        "level": "WARNING",
        "event": "postponed",
        "messageId": "m",
        "reason": "message format 2; this worker knows 1",
        "waitMs": 1000,
    },
    {"level": "ERROR", "event": "workerLost", **OF_TASK, **TYPE, "attempt": 1, "errorType": "WorkerLost"},
    {
        "level": "WARNING",
        "event": "attemptLost",
        **OF_TASK,
        **TYPE,
        "attempt": 1,
        "beside": 9,
        "counted": False,
        "reason": "The worker crashed, ran out of memory or reached WorkerTimeout, while 9 other tasks ran in it; "
        "not counted.",
    },
    {"level": "WARNING", "event": "leaseLost", **OF_TASK, **TYPE, "attempt": 1},
    {"level": "INFO", "event": "cancelled", **OF_TASK, **TYPE, "attempt": 1},
    {"level": "ERROR", "event": "malformed", "messageId": "m", "reason": "the body is not JSON"},
    {
        "level": "ERROR",
        "event": "infrastructureFailed",
        "messageId": "m",
        "errorType": "OSError",
        "errorMessage": "gone",
    },
    {
        "level": "ERROR",
        "event": "initialisationFailed",
        "errorType": "OSError",
        "errorMessage": "gone",
        "traceback": "OSError: gone",
    },
    {
        "level": "WARNING",
        "event": "log",
        "taskId": OF_TASK["taskId"],
        **TYPE,
        "logger": "stderr",
        "message": "a line",
    },
]


def test_the_lines_have_these_names_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    for event in events_of_tasks():
        log.write(event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(list(line)[:3] == ["timestamp", "level", "event"] for line in lines)
    assert [{name: value for name, value in line.items() if name != "timestamp"} for line in lines] == LINES


def test_a_line_has_no_spaces_that_cloudwatch_would_charge_for(capsys: pytest.CaptureFixture[str]) -> None:
    log.write(events_of_tasks()[0])
    assert " " not in capsys.readouterr().out


def test_every_event_has_its_line() -> None:
    assert {event.name for event in [*events_of_tasks(), *sums()]} == set(EventName)


def test_a_field_without_a_value_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    event = events_of_tasks()[0]
    log.write(event._replace(fields={**event.fields, "reason": None}))
    assert "reason" not in json.loads(capsys.readouterr().out)
