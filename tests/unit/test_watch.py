from __future__ import annotations

from datetime import timedelta

import pytest

from ftask.aws.api import UnknownTaskError
from ftask.core.model import Status
from ftask.ops.watch import EMULATOR_ROUND_SECONDS, Watcher
from tests.support.builders import TASK_ID, a_task
from tests.support.clock import EPOCH, VirtualTime
from tests.support.resources import Resources
from tests.support.stages import stage_of

OTHER_ID = "f" * 32


def watcher(resources: Resources, task_ids: list[str], time: VirtualTime) -> Watcher:
    stage = stage_of(resources)
    return Watcher(stage.target, stage.outputs.table, task_ids, time.sleep, time.clock)


def test_watching_ends_with_the_last_task(moto_resources: Resources) -> None:
    store, time = stage_of(moto_resources).store, VirtualTime()
    ended = {"status": Status.COMPLETED, "completed_at": EPOCH + timedelta(seconds=1)}
    store.put(a_task())
    store.put(a_task(task_id=OTHER_ID, **ended))
    watching = watcher(moto_resources, [OTHER_ID, TASK_ID], time)
    reads = watching.rounds()
    assert list(next(reads)) == [OTHER_ID, TASK_ID]
    assert watching.open_ids() == [TASK_ID]
    moto_resources.dynamodb.delete_item(TableName=moto_resources.table, Key={"taskId": {"S": TASK_ID}})
    store.put(a_task(**ended))
    assert [task.status for task in next(reads).values()] == [Status.COMPLETED, Status.COMPLETED]
    assert list(reads) == []
    assert EMULATOR_ROUND_SECONDS <= time.seconds < 2 * EMULATOR_ROUND_SECONDS


def test_watching_ends_at_its_timeout_with_one_last_read(moto_resources: Resources) -> None:
    time = VirtualTime()
    stage_of(moto_resources).store.put(a_task())
    watching = watcher(moto_resources, [TASK_ID], time)
    assert len(list(watching.rounds(EMULATOR_ROUND_SECONDS / 2))) == 2
    assert time.seconds == EMULATOR_ROUND_SECONDS / 2
    assert watching.open_ids() == [TASK_ID]


def test_a_task_that_does_not_exist_is_named(moto_resources: Resources) -> None:
    with pytest.raises(UnknownTaskError, match=OTHER_ID):
        next(watcher(moto_resources, [OTHER_ID], VirtualTime()).rounds())
