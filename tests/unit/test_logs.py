from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ftask.ops import logs
from ftask.ops.logs import EventFilter, LogEvent, LogReader, parse
from ftask.render.logs import event_text
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
    assert event.json() == {"function": "worker", **json.loads(LINE)}
    text = event_text(event, ids={"ab" * 16: "ab" * 16}).plain
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
def test_every_line_that_a_handler_prints_is_shown(line: str) -> None:
    assert parse("worker", line, EPOCH) is not None


def test_a_filter_shows_its_level_and_those_above() -> None:
    event = parse("worker", LINE, EPOCH)
    assert event is not None
    assert EventFilter(level="WARNING").matches(event)
    assert not EventFilter(level="ERROR").matches(event)
    assert not EventFilter(task_id="another").matches(event)


def test_a_filter_shows_events_of_its_type() -> None:
    sent, other = (LogEvent("worker", EPOCH, "INFO", "log", {"type": name}) for name in ("send", "other"))
    assert EventFilter(type="send").matches(sent)
    assert not EventFilter(type="send").matches(other)
    assert not EventFilter(type="send").matches(LogEvent("worker", EPOCH, "INFO", "log", {}))


def test_a_filter_shows_events_with_its_error_up_to_its_time() -> None:
    failed = LogEvent("worker", EPOCH, "ERROR", "finished", {"errorType": "TimeoutError", "errorMessage": "after 17 s"})
    started = LogEvent("worker", EPOCH, "INFO", "started", {})
    assert all(EventFilter(error=text).matches(failed) for text in ("timeouterror", "AFTER 17", "after <n> s"))
    assert not EventFilter(error="after 18").matches(failed)
    assert not EventFilter(error="timeout").matches(started)
    assert EventFilter(until=EPOCH).matches(started)
    assert not EventFilter(until=EPOCH - timedelta(milliseconds=1)).matches(started)


def entry(timestamp: int) -> dict[str, Any]:
    return {"logStreamName": "s", "timestamp": timestamp, "message": f"at {timestamp}", "eventId": str(timestamp)}


@pytest.fixture
def logs_client() -> Any:
    return boto3.client("logs", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def read(client: Any, answers: list[tuple[dict[str, Any], dict[str, Any]]], page_size: int = logs.PAGE) -> list[int]:
    """The timestamps that `entries` yields, when CloudWatch answers these requests so."""
    target: Any = SimpleNamespace(logs=client)
    with Stubber(client) as stubber:
        for request, answer in answers:
            expected = {"logGroupName": "g", "limit": page_size, **request}
            stubber.add_response("filter_log_events", answer, expected)
        timestamps = [log_entry["timestamp"] for log_entry in logs.entries(target, "g", 1, page_size=page_size)]
        stubber.assert_no_pending_responses()
    return timestamps


def test_entries_are_read_page_by_page(logs_client: Any) -> None:
    pages: list[Any] = [
        ({"startTime": 1}, {"events": [entry(1)], "nextToken": "more"}),
        ({"startTime": 1, "nextToken": "more"}, {"events": [], "nextToken": "last"}),
        ({"startTime": 1, "nextToken": "last"}, {"events": [entry(2)]}),
    ]
    assert read(logs_client, pages) == [1, 2]


def test_a_full_page_without_a_token_is_read_on_from_its_last_entry(logs_client: Any) -> None:
    pages = [
        ({"startTime": 1}, {"events": [entry(1), entry(5)]}),
        ({"startTime": 5}, {"events": [entry(5), entry(9)]}),
        ({"startTime": 9}, {"events": [entry(9)]}),
    ]
    assert read(logs_client, pages, page_size=2) == [1, 5, 5, 9, 9]


def test_a_function_that_has_not_run_yet_has_no_entries(logs_client: Any) -> None:
    target: Any = SimpleNamespace(logs=logs_client)
    with Stubber(logs_client) as stubber:
        stubber.add_client_error("filter_log_events", "ResourceNotFoundException")
        assert list(logs.entries(target, "g", 1)) == []


def looked(client: Any, looks: list[dict[str, tuple[int, list[int]]]]) -> list[list[int]]:
    """The times of the events of each look, in seconds after the first; a look is, by group, its start and entries."""
    target: Any = SimpleNamespace(logs=client)
    begin_ms = int(EPOCH.timestamp() * 1000)
    reader = LogReader(target, {group: group for group in looks[0]}, EventFilter(), EPOCH)
    found = []
    for look in looks:
        with Stubber(client) as stubber:
            for group, (start, times) in look.items():
                stubber.add_response(
                    "filter_log_events",
                    {"events": [entry(begin_ms + second * 1000) for second in times]},
                    {"logGroupName": group, "limit": logs.PAGE, "startTime": begin_ms + start * 1000},
                )
            found.append([round((event.at - EPOCH).total_seconds()) for event in reader.look()])
            stubber.assert_no_pending_responses()
    return found


def test_a_log_group_that_is_late_loses_nothing_to_one_that_is_not(logs_client: Any) -> None:
    looks = [
        {"api": (0, [300]), "worker": (0, [])},
        {"api": (240, [300]), "worker": (0, [100, 299])},
        {"api": (240, [300]), "worker": (239, [299])},
    ]
    assert looked(logs_client, looks) == [[300], [100, 299], []]


def test_a_line_that_comes_a_minute_late_is_shown_once(logs_client: Any) -> None:
    looks = [
        {"worker": (0, [300])},
        {"worker": (240, [241, 300])},
        {"worker": (240, [241, 300, 310])},
        {"worker": (250, [300, 310])},
    ]
    assert looked(logs_client, looks) == [[300], [241], [310], []]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ({"event": "log", "record": {"message": "from loguru"}, "busyMs": 3, "records": 2}, "log"),
        ({"record": {"message": "printed outside of a task"}}, "log"),
        ({"event": {"name": "paid"}, "order": 17}, "{'name': 'paid'}"),
    ],
)
def test_a_json_object_of_the_users_code_is_whole_whatever_its_fields_are_called(
    line: dict[str, Any], name: str
) -> None:
    event = parse("worker", json.dumps(line), EPOCH)
    assert event is not None
    assert event.name == name
    assert event.fields == {key: value for key, value in line.items() if key != "event"}
