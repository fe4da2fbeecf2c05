"""The schedules of a stage: what its task types declare, what its table knows of them, and what an operator changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ftask.aws.api import ApiClient
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.errors import FtaskError
from ftask.core.firings import ScheduleRecord, encode_firing
from ftask.core.manifest import TypeSchedule, schedule_from_json
from ftask.core.model import Task
from ftask.core.text import printable
from ftask.core.timestamps import to_iso
from ftask.schedules.upcoming import described, last_firing


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule with its record; `task` is that of its last firing, None if that made none."""

    schedule: TypeSchedule
    record: ScheduleRecord
    task: Task | None

    def json(self, now: datetime) -> dict[str, Any]:
        """Return its public form, with the next firings."""
        record, task = self.record, self.task
        last: dict[str, Any] | None = None
        if record.firing_at is not None:
            last = {"at": to_iso(record.firing_at)}
            if task is not None:
                last |= {"taskId": task.task_id, "status": str(task.status)}
            elif record.skip_reason is not None:
                last["skipped"] = record.skip_reason
        return {
            "name": record.schedule,
            **described(self.schedule, now, record.firing_at),
            "pausedAt": None if record.paused_at is None else to_iso(record.paused_at),
            "lastFiring": last,
            "skipped": record.skips,
        }


def deployed_schedules(api: ApiClient) -> dict[str, TypeSchedule]:
    """Return the schedules of the task types that the stage has, by name."""
    types: list[Mapping[str, Any]] = api.document().get("x-ftask-types", [])
    return {
        str(entry["name"]): schedule_from_json(entry["options"]["schedule"])
        for entry in types
        if "schedule" in entry.get("options", {})
    }


def find_schedule(api: ApiClient, name: str) -> TypeSchedule:
    """Return the schedule of this name.

    Raises:
        FtaskError: the stage has none.
    """
    schedules = deployed_schedules(api)
    if name not in schedules:
        known = f"Schedules: {', '.join(schedules)}." if schedules else "This stage has no schedules."
        raise FtaskError(f"Unknown schedule {printable(name, 64)!r}. {known}", "See them with: ftask schedule ls")
    return schedules[name]


def read_states(stage: Stage, schedules: Mapping[str, TypeSchedule]) -> list[ScheduleState]:
    """Return each schedule with its record and the task of its last firing."""
    with translate_aws_errors():
        records = list(stage.schedule_records.read(schedules))
        task_ids = [record.task_id for record in records if record.task_id is not None]
        tasks: dict[str | None, Task] = {task.task_id: task for task in stage.store.get_many(task_ids)}
    return [ScheduleState(schedules[record.schedule], record, tasks.get(record.task_id)) for record in records]


def catch_up(stage: Stage, schedule: TypeSchedule, record: ScheduleRecord, now: datetime) -> datetime | None:
    """Send the last firing that was missed, if the schedule is to catch up; return its time, None without one.

    Safe to repeat, and beside the schedule's own firing: the task's id derives from the time.
    """
    since = record.firing_at or record.paused_at
    missed = last_firing(schedule, since, now) if schedule.catch_up and since is not None else None
    if missed is not None:
        with translate_aws_errors():
            stage.target.sqs.send_message(
                QueueUrl=stage.outputs.queue_url, MessageBody=encode_firing(record.schedule, missed)
            )
    return missed
