from __future__ import annotations

from ftask.ops.logs import Event
from ftask.render.logs import event_text
from tests.support.clock import EPOCH

EVENT = Event("worker", EPOCH, "ERROR", "ValueError", {"taskId": "ab" * 16, "durationMs": 5, "stackTrace": ["a", "b"]})


def test_a_field_has_its_unit_and_a_stack_trace_its_place() -> None:
    text = event_text(EVENT).plain
    assert "ab" * 16 in text
    assert text.endswith("  took 5 ms  stack trace with -o json")


def test_a_traceback_stands_below_its_line() -> None:
    event = Event("worker", EPOCH, "ERROR", "attemptFailed", {"attempt": 1, "traceback": "File x\n  boom\nE: no"})
    assert event_text(event).plain.endswith("  attempt 1\n    File x\n      boom\n    E: no")


def test_a_line_names_its_type_unless_that_is_the_experiment() -> None:
    def text(task_type: str) -> str:
        return event_text(Event("worker", EPOCH, "INFO", "started", {"epoch": 0, "type": task_type})).plain

    assert text("send").endswith("started    type send  epoch 0")
    assert text("experiment").endswith("started    epoch 0")


def test_a_narrow_line_shows_that_its_id_is_cut() -> None:
    assert "  abababab…  " in event_text(EVENT, width=80).plain
