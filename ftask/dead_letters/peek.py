"""A look at the dead-letter queue that takes nothing out of it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.codec import MalformedMessageError, UnknownVersionError, decode_message
from ftask.core.timestamps import to_iso

if TYPE_CHECKING:
    from types_boto3_sqs.type_defs import MessageTypeDef

# Long enough to come through many letters without meeting one again.
HIDDEN_SECONDS = 60
BATCH = 10


@dataclass(frozen=True, slots=True)
class Peeked:
    """One message of the dead-letter queue. `task_id` is None for what is not a task; `reason` then says why."""

    message_id: str
    body: str
    attributes: dict[str, str]
    sent_at: datetime
    task_id: str | None
    epoch: int | None
    reason: str | None

    def json(self) -> dict[str, Any]:
        return {
            "messageId": self.message_id,
            "taskId": self.task_id,
            "epoch": self.epoch,
            "notATask": self.reason,
            "sentAt": to_iso(self.sent_at),
            "attributes": self.attributes,
            "body": self.body,
        }


def peek(stage: Stage, most: int) -> Generator[Peeked]:
    """Up to `most` messages; all are visible again when this ends, however it ends."""
    sqs, url = stage.target.sqs, stage.outputs.dead_letter_queue_url
    held: list[str] = []
    seen: set[str] = set()
    try:
        while len(seen) < most:
            with translate_aws_errors():
                messages = sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=min(BATCH, most - len(seen)),
                    MessageAttributeNames=["All"],
                    MessageSystemAttributeNames=["SentTimestamp"],
                    VisibilityTimeout=HIDDEN_SECONDS,
                    WaitTimeSeconds=stage.poll_seconds,
                ).get("Messages", [])
            held += [message["ReceiptHandle"] for message in messages]
            fresh = [message for message in messages if message["MessageId"] not in seen]
            if not fresh:
                return
            for message in fresh:
                seen.add(message["MessageId"])
                yield _peeked(message)
    finally:
        with translate_aws_errors():
            stage.dead_letter_reader.release(held)


def _peeked(message: MessageTypeDef) -> Peeked:
    body = message["Body"]
    task_id, epoch, reason = None, None, None
    try:
        decoded = decode_message(body)
        task_id, epoch = decoded.task_id, decoded.epoch
    except (MalformedMessageError, UnknownVersionError) as error:
        reason = str(error)
    return Peeked(
        message["MessageId"],
        body,
        {
            name: value.get("StringValue", "<binary>")
            for name, value in sorted(message.get("MessageAttributes", {}).items())
        },
        datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        task_id,
        epoch,
        reason,
    )
