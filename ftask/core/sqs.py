"""The two queues in SQS."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ftask.core.codec import encode_message
from ftask.core.model import DeadLetter, Delivery, Message
from ftask.core.ports import Clock
from ftask.core.timestamps import now

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient
    from types_boto3_sqs.type_defs import MessageTypeDef

# A message and its attributes together.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_MESSAGE_BYTES = 1024 * 1024

# How many messages one request gives or takes.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
MAX_BATCH = 10

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
MAX_DELAY_SECONDS = 900
# What SQS says of a message that it does not take.
_INVALID_MESSAGE = frozenset({"MissingParameter", "InvalidParameterValue", "InvalidMessageContents"})

# What SQS says of a receipt handle whose time is over: the message is visible already, or gone.
_NO_LONGER_OURS = frozenset(
    {
        "AWS.SimpleQueueService.MessageNotInflight",
        "MessageNotInflight",
        "ReceiptHandleIsInvalid",
        "InvalidParameterValue",
    }
)


class SqsQueue:
    """:class:`ftask.core.ports.Queue` over the main queue."""

    def __init__(self, client: Callable[[], SQSClient], url: str, clock: Clock = now) -> None:
        self._client = client
        self._url = url
        self._clock = clock

    def send(self, message: Message) -> None:
        self._client().send_message(QueueUrl=self._url, **self._sent(message))

    def send_many(self, messages: Sequence[Message]) -> list[Message]:
        if not messages:
            return []
        entries = [self._sent(message) | {"Id": str(number)} for number, message in enumerate(messages)]
        answer = self._client().send_message_batch(QueueUrl=self._url, Entries=entries)
        return [messages[int(entry["Id"])] for entry in answer.get("Successful", [])]

    def _sent(self, message: Message) -> Any:
        """Return what SQS gets of a message; its group makes the queue fair.

        SQS holds the message back until it is due. Beyond SQS's limit it does not: the worker then schedules it.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
        """
        sent: dict[str, Any] = {"MessageBody": encode_message(message)}
        if message.group is not None:
            sent["MessageGroupId"] = message.group
        if message.due is not None:
            seconds = math.ceil((message.due - self._clock()).total_seconds())
            sent["DelaySeconds"] = seconds if 0 < seconds <= MAX_DELAY_SECONDS else 0
        return sent

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        try:
            self._client().change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=delivery.receipt_handle, VisibilityTimeout=seconds
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _NO_LONGER_OURS:
                raise


class SqsDeadLetterQueue:
    """:class:`ftask.core.ports.DeadLetterQueue` over the dead-letter queue."""

    def __init__(self, client: Callable[[], SQSClient], url: str) -> None:
        self._client = client
        self._url = url

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        size = len(body.encode()) + sum(
            len(name.encode()) + len(value.encode()) + len("String") for name, value in attributes.items()
        )
        self._client().send_message(
            QueueUrl=self._url,
            MessageBody=body,
            # A foreign message may be as large as SQS allows: it is better kept without its reason than lost.
            MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
            if size <= MAX_MESSAGE_BYTES
            else {},
        )

    def require_access(self) -> None:
        """Do what sending a letter needs, and send none: SQS refuses an empty message and this delay.

        Raises:
            ClientError: it was refused for another reason.
            BotoCoreError: SQS did not answer.
        """
        try:
            self._client().send_message(QueueUrl=self._url, MessageBody="", DelaySeconds=MAX_DELAY_SECONDS + 1)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _INVALID_MESSAGE:
                raise


class SqsDeadLetterReader:
    """:class:`ftask.core.ports.DeadLetterReader` over the dead-letter queue."""

    # Long enough for a batch, short enough that letters which stay are soon visible again.
    VISIBILITY_SECONDS = 60

    def __init__(self, client: Callable[[], SQSClient], url: str, wait_seconds: int = 1) -> None:
        self._client = client
        self._url = url
        self._wait_seconds = wait_seconds

    def receive(self, batch_size: int = MAX_BATCH, hold_seconds: int | None = None) -> list[DeadLetter]:
        """Return up to `batch_size` letters, 1 to 10, hidden from others for `hold_seconds`.

        The default is `VISIBILITY_SECONDS`.
        """
        answer = self._client().receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=batch_size,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
            VisibilityTimeout=self.VISIBILITY_SECONDS if hold_seconds is None else hold_seconds,
            # Long polling asks every server, so an answer without letters means that the queue has none.
            WaitTimeSeconds=self._wait_seconds,
        )
        return [_dead_letter(message) for message in answer.get("Messages", [])]

    def delete(self, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        # A letter that could not be deleted comes back: stale to a redrive, written once more by a drain.
        self._client().delete_message_batch(
            QueueUrl=self._url,
            Entries=[
                {"Id": str(number), "ReceiptHandle": letter.receipt_handle} for number, letter in enumerate(letters)
            ],
        )

    def release(self, receipt_handles: Sequence[str]) -> None:
        """Make received letters visible again at once; one for which that fails is so after its time is over."""
        for start in range(0, len(receipt_handles), MAX_BATCH):
            self._client().change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for number, handle in enumerate(receipt_handles[start : start + MAX_BATCH])
                ],
            )


def _dead_letter(message: MessageTypeDef) -> DeadLetter:
    sent_ms = message.get("Attributes", {}).get("SentTimestamp")
    return DeadLetter(
        message["MessageId"],
        message["ReceiptHandle"],
        message["Body"],
        {name: value.get("StringValue", "<binary>") for name, value in message.get("MessageAttributes", {}).items()},
        None if sent_ms is None else datetime.fromtimestamp(int(sent_ms) / 1000, UTC),
    )
