"""What an operator sees and does of a stage's schedules."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from ftask.aws.stage import Stage
from ftask.core.codec import body_fields
from ftask.core.firings import Firing, firing_from
from ftask.core.manifest import TypeSchedule
from ftask.core.model import Status
from ftask.ops.schedules import catch_up, read_states
from tests.support.builders import a_task
from tests.support.clock import EPOCH
from tests.support.resources import Resources
from tests.support.stages import stage_of

HOURLY = TypeSchedule("0 * * * ? *", "Europe/Kyiv", catch_up=True)
NOW = EPOCH + timedelta(hours=3, minutes=20)


@pytest.fixture
def stage(moto_resources: Resources) -> Stage:
    return stage_of(moto_resources)


def sent(resources: Resources) -> list[Firing]:
    messages = resources.sqs.receive_message(QueueUrl=resources.queue_url, MaxNumberOfMessages=10).get("Messages", [])
    firings = [firing_from(body_fields(message["Body"]), None) for message in messages]
    return [firing for firing in firings if firing is not None]


def test_a_schedule_that_never_fired_is_shown_with_its_next_firings(stage: Stage) -> None:
    (state,) = read_states(stage, {"report": HOURLY})
    shown = json.loads(json.dumps(state.json(NOW)))
    assert (shown["name"], shown["lastFiring"], shown["pausedAt"], shown["skipped"]) == ("report", None, None, 0)
    assert shown["nextFirings"][0]["local"] == "2026-01-01T18:00+02:00"


def test_the_last_firing_is_shown_with_its_task_or_why_it_made_none(stage: Stage) -> None:
    firing = Firing("report", EPOCH)
    stage.schedule_records.take(firing)
    stage.store.put(a_task(task_id=firing.task_id, status=Status.COMPLETED))
    skipped = Firing("sync", EPOCH)
    stage.schedule_records.take(skipped)
    stage.schedule_records.skip(skipped, "the run before, task x, had not ended")
    ran, left_out = (state.json(NOW) for state in read_states(stage, {"report": HOURLY, "sync": HOURLY}))
    assert ran["lastFiring"] == {"at": "2026-01-01T12:00:00.000Z", "taskId": firing.task_id, "status": "COMPLETED"}
    assert left_out["lastFiring"]["skipped"] == "the run before, task x, had not ended"
    assert left_out["skipped"] == 1


@pytest.mark.parametrize(
    ("schedule", "fired_at", "expected"),
    [
        (HOURLY, EPOCH, EPOCH + timedelta(hours=3)),
        (HOURLY, EPOCH + timedelta(hours=3), None),
        (TypeSchedule("0 * * * ? *"), EPOCH, None),
    ],
)
def test_the_end_of_a_pause_sends_the_last_firing_that_was_missed_where_that_is_declared(
    stage: Stage, moto_resources: Resources, schedule: TypeSchedule, fired_at: datetime, expected: datetime | None
) -> None:
    stage.schedule_records.take(Firing("report", fired_at))
    (record,) = stage.schedule_records.read(["report"])
    assert catch_up(stage, schedule, record, NOW) == expected
    assert sent(moto_resources) == ([] if expected is None else [Firing("report", expected)])


def test_a_pause_keeps_its_beginning_and_counts_as_what_was_before_the_first_firing(
    stage: Stage, moto_resources: Resources
) -> None:
    stage.schedule_records.pause("report", EPOCH)
    record = stage.schedule_records.pause("report", NOW)
    assert record.paused_at == EPOCH
    assert catch_up(stage, HOURLY, record, NOW) == EPOCH + timedelta(hours=3)
