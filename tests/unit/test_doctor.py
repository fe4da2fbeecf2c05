from __future__ import annotations

from datetime import timedelta

from ftask.core.model import Status
from ftask.ops.finding import Finding, Level
from ftask.ops.overdue_tasks import message_due
from ftask.render.doctor import finding_json
from tests.support.builders import a_running_task, a_task
from tests.support.clock import EPOCH


def test_a_message_is_due_when_its_task_can_go_on() -> None:
    assert message_due(a_task()) == EPOCH
    assert message_due(a_running_task()) == EPOCH + timedelta(seconds=22)
    retrying = a_task(status=Status.RETRYING, next_attempt_at=EPOCH + timedelta(seconds=900))
    assert message_due(retrying) == EPOCH + timedelta(seconds=900)


def test_a_finding_says_whether_it_can_be_repaired() -> None:
    finding = Finding("tasks", Level.ERROR, "stuck", "do this", lambda: "done")
    assert finding_json(finding, "done") == {
        "check": "tasks",
        "level": "error",
        "message": "stuck",
        "hint": "do this",
        "fixable": True,
        "repair": "done",
    }
