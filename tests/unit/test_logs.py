from __future__ import annotations

import json

import pytest

from ftask.ops.logs import EventFilter, parse
from ftask.render.logs import event_json, event_text
from tests.support.clock import EPOCH

LINE = json.dumps(
    {
        "timestamp": "2026-01-01T11:59:58.250Z",
        "level": "WARNING",
        "event": "leaseLost",
        "taskId": "ab" * 16,
        "epoch": 0,
        "attempt": 2,
    }
)


def test_an_event_of_ftask_is_read_with_its_own_time() -> None:
    event = parse("worker", LINE, EPOCH)
    assert event is not None
    assert event_json(event) == {"function": "worker", **json.loads(LINE)}
    text = event_text(event).plain
    assert "leaseLost" in text
    assert "ab" * 16 in text
    assert "attempt 2" in text


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: 1 Version: $LATEST",
        "END RequestId: 1",
        "REPORT RequestId: 1\tDuration: 1 ms",
        "",
        '{"time":"2026-01-01T12:00:00Z","type":"platform.report","record":{"requestId":"1","status":"success"}}',
        '{"time":"2026-01-01T12:00:00Z","type":"platform.start","record":{"requestId":"1"}}',
    ],
)
def test_what_lambda_says_of_every_invocation_is_left_out(line: str) -> None:
    assert parse("worker", line, EPOCH) is None


def test_an_invocation_that_went_wrong_is_shown() -> None:
    line = '{"time":"x","type":"platform.report","record":{"requestId":"1","status":"timeout"}}'
    event = parse("worker", line, EPOCH)
    assert event is not None
    assert (event.level, event.name, event.at) == ("ERROR", "platform.report", EPOCH)


def test_an_exception_that_lambda_logged_goes_by_its_type() -> None:
    line = '{"timestamp":"2026-01-01T12:00:00Z","level":"ERROR","errorType":"SettingsError","errorMessage":"no"}'
    event = parse("worker", line, EPOCH)
    assert event is not None
    assert (event.level, event.name) == ("ERROR", "SettingsError")


@pytest.mark.parametrize("line", ["plain text", "[1, 2]", '{"timestamp": 5, "event": "odd"}'])
def test_whatever_a_handler_prints_is_shown(line: str) -> None:
    assert parse("worker", line, EPOCH) is not None


def test_a_level_lets_the_louder_ones_through() -> None:
    event = parse("worker", LINE, EPOCH)
    assert event is not None
    assert EventFilter(level="WARNING").has(event)
    assert not EventFilter(level="ERROR").has(event)
    assert not EventFilter(task_id="another").has(event)
