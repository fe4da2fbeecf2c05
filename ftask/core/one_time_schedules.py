"""One-time schedules in EventBridge Scheduler."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ftask.core.codec import encode_message
from ftask.core.model import Message
from ftask.core.settings import ScheduleSettings

if TYPE_CHECKING:
    from types_boto3_scheduler.client import EventBridgeSchedulerClient

# It fires within 60 s after its time, and is then as late as the queue: the rest is waited for in the queue.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
EARLY = timedelta(minutes=2)
# The longest that EventBridge Scheduler tries again, and how often.
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
_RETRIES = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}


class OneTimeSchedules:
    """:class:`ftask.core.ports.Schedules` in the stack's own group of schedules."""

    def __init__(self, client: Callable[[], EventBridgeSchedulerClient], settings: ScheduleSettings) -> None:
        self._client = client
        self._settings = settings

    def send_at(self, message: Message, due: datetime) -> None:
        target: Any = {
            "Arn": self._settings.queue_arn,
            "RoleArn": self._settings.role_arn,
            "Input": encode_message(message),
            "DeadLetterConfig": {"Arn": self._settings.dead_letter_queue_arn},
            "RetryPolicy": _RETRIES,
        }
        if message.group is not None:
            target["SqsParameters"] = {"MessageGroupId": message.group}
        try:
            self._client().create_schedule(
                Name=schedule_name(message, due),
                GroupName=self._settings.group,
                ScheduleExpression=f"at({(due - EARLY).astimezone(UTC):%Y-%m-%dT%H:%M:%S})",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target=target,
            )
        except ClientError as error:
            # The name stands for the task, its epoch and its time: the schedule is our own, of an earlier try.
            if error.response.get("Error", {}).get("Code") != "ConflictException":
                raise


def schedule_name(message: Message, due: datetime) -> str:
    """Return the name of the schedule that sends `message` for `due`: at most 64 characters."""
    return f"{message.task_id}-{message.epoch}-{int(due.timestamp())}"
