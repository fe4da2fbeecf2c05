"""What an invocation's line says, and that CloudWatch would take it."""

from __future__ import annotations

from typing import Any

import pytest

from ftask.core import events
from ftask.core.events import Event
from ftask.core.metrics import Meter, Usage
from ftask.core.model import Failure, Message, Status
from tests.support.builders import a_running_task
from tests.support.clock import EPOCH

TYPES = ("send", "resize")


class Log:
    """What was written, and a clock that a test moves."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.seconds = 0.0
        self.usage = Usage()
        self.meter = Meter("ftask-test", self.usage, self.write, lambda: EPOCH, lambda: self.seconds, types=TYPES)

    def write(self, event: Event) -> None:
        self.lines.append(
            {"event": event.name} | {name: value for name, value in event.fields.items() if value is not None}
        )

    def named(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == name]


@pytest.fixture
def log() -> Log:
    return Log()


def metrics_of(line: dict[str, Any]) -> dict[str, Any]:
    """The metrics that CloudWatch takes from a line; fails where the line breaks the format."""
    return {name: line[name] for names in dimensions_of(line).values() for name in names}


def dimensions_of(line: dict[str, Any]) -> dict[str, list[str]]:
    """The metrics of a line by the set of dimensions under which CloudWatch takes them."""
    block = line["_aws"]
    assert block["Timestamp"] == EPOCH.timestamp() * 1000
    by_dimensions: dict[str, list[str]] = {}
    for directive in block["CloudWatchMetrics"]:
        assert directive["Namespace"] == "ftask"
        assert 0 < len(directive["Metrics"]) <= 100
        for names in directive["Dimensions"]:
            assert all(isinstance(line[name], str) for name in names)
            by_dimensions.setdefault(" ".join(names), []).extend(metric["Name"] for metric in directive["Metrics"])
    return by_dimensions


def test_an_invocation_is_one_line_with_what_its_events_add_up_to(log: Log) -> None:
    with log.meter.invocation():
        for status, wait in ((Status.COMPLETED, 5), (Status.RETRYING, None), (Status.COMPLETED, 0)):
            with log.meter.record():
                log.meter.observe(events.started(a_running_task(), wait))
                log.seconds += 0.25
                log.meter.observe(events.finished(a_running_task(status=status), 250, wait))
        log.usage.called("dynamodb.UpdateItem")
        log.usage.called("sqs.ChangeMessageVisibility")
        log.usage.consumed(write_units=2)
    (line,) = log.named("invocation")
    assert metrics_of(line) == {
        "Completed": 2,
        "Retried": 1,
        "AttemptDuration": [250, 250, 250],
        "QueueWait": [5, 0],
    }
    assert (line["records"], line["recordsMs"], line["busyMs"]) == (3, 750.0, 750.0)
    assert (line["writeUnits"], line["sqsCalls"]) == (2, 1)
    assert line["Stack"] == "ftask-test"
    assert [entry["event"] for entry in log.lines] == [*["started", "finished"] * 3, "invocation"]


def test_failures_are_counted_by_their_type_and_no_task_is_a_dimension(log: Log) -> None:
    with log.meter.invocation():
        for error in ("ValueError", "KeyError", "ValueError"):
            failed = a_running_task(status=Status.FAILED, last_error=Failure(error, "no"))
            log.meter.observe(events.finished(failed, 1))
        log.meter.observe(events.worker_lost(a_running_task()))
    lines = log.named("failures")
    assert {line["ErrorType"]: metrics_of(line)["Failed"] for line in lines} == {
        "ValueError": 2,
        "KeyError": 1,
        "WorkerLost": 1,
    }
    for line in lines:
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stack"], ["Stack", "ErrorType"]]
        assert "taskId" not in line


def test_attempts_of_several_types_are_summed_in_a_line_for_each(log: Log) -> None:
    with log.meter.invocation():
        for task_type, status in (
            ("send", Status.COMPLETED),
            ("send", Status.RETRYING),
            ("send", Status.COMPLETED),
            ("resize", Status.FAILED),
            ("experiment", Status.COMPLETED),
            ("removed", Status.COMPLETED),
        ):
            failure = Failure("E", "no") if status is Status.FAILED else None
            after = a_running_task(type=task_type, status=status, last_error=failure)
            log.meter.observe(events.finished(after, 250))
        log.meter.observe(events.worker_lost(a_running_task(type="resize")))
        log.meter.observe(events.worker_lost(a_running_task()))
    lines = log.named("attempts")
    assert {line["Type"]: metrics_of(line) for line in lines} == {
        "send": {"Completed": 2, "Retried": 1, "AttemptDuration": [250, 250, 250]},
        "resize": {"Failed": 2, "AttemptDuration": 250},
    }
    for line in lines:
        # The stack's own metrics have them from the other lines.
        assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["Stack", "Type"]]
    assert metrics_of(log.named("invocation")[0])["Completed"] == 4
    assert {line["ErrorType"]: line["Failed"] for line in log.named("failures")} == {"E": 1, "WorkerLost": 2}


def test_each_invocation_begins_at_nothing(log: Log) -> None:
    with log.meter.invocation():
        log.meter.observe(events.started(a_running_task(), 3))
        log.meter.observe(events.finished(a_running_task(type="send", status=Status.COMPLETED), 1))
        log.usage.called("sqs.SendMessage")
    with log.meter.invocation():
        pass
    assert log.named("invocation")[1] == {"event": "invocation", "busyMs": 0.0}


def test_an_invocation_that_raises_is_counted_too(log: Log) -> None:
    with pytest.raises(OSError, match="gone"), log.meter.invocation(), log.meter.record():
        raise OSError("gone")
    assert len(log.named("invocation")) == 1


def test_tasks_that_were_handed_back_though_they_were_due_are_counted_with_the_longest_wait(log: Log) -> None:
    message = Message("f" * 32)
    with log.meter.invocation():
        log.meter.observe(events.postponed(message, "no time left in this invocation", 0, 1_900_500))
        log.meter.observe(events.postponed_unread("m", "message format 2; this worker knows 1", 90_000))
        log.meter.observe(events.postponed(message, "backing off", 900))
        log.meter.observe(events.finished(a_running_task(status=Status.COMPLETED), 250, 70_000))
    (line,) = log.named("invocation")
    assert {name: metrics_of(line)[name] for name in ("HandedBack", "OldestDue")} == {
        "HandedBack": 2,
        "OldestDue": 1900,
    }
    assert {"HandedBack", "OldestDue"} <= set(dimensions_of(line)["Stack"])


def test_a_wait_of_less_than_a_minute_costs_no_metric(log: Log) -> None:
    with log.meter.invocation():
        log.meter.observe(events.finished(a_running_task(status=Status.COMPLETED), 250, 59_999))
    (line,) = log.named("invocation")
    assert "OldestDue" not in line


@pytest.mark.parametrize(
    ("error_type", "dimension"),
    [
        ("Überlauf", "\\xdcberlauf"),
        ("错误", "\\u9519\\u8bef"),
        (":Odd", "Odd"),
        (" ", "Exception"),
        ("KeyError", "KeyError"),
    ],
)
def test_an_error_of_any_name_costs_no_metric(log: Log, error_type: str, dimension: str) -> None:
    """CloudWatch takes no metric of a line with a dimension that is not ASCII, begins with a colon or is blank."""
    failed = a_running_task(status=Status.FAILED, last_error=Failure(error_type, "no"))
    with log.meter.invocation():
        log.meter.observe(events.finished(failed, 250))
    (line,) = log.named("failures")
    assert line["ErrorType"] == dimension
    assert metrics_of(line)["Failed"] == 1
    # What a person reads has the name as it is.
    assert log.named("finished")[0]["errorType"] == error_type
