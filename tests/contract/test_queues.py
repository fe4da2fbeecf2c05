"""The contract of the queues, held by every implementation of SQS that ftask runs on."""

from __future__ import annotations

from typing import Any

import pytest

from ftask.core.codec import decode_message, encode_message
from ftask.core.execution import letter_attributes
from ftask.core.model import Delivery, Failure, Message, Status
from ftask.core.sqs import MAX_MESSAGE_BYTES
from tests.support.builders import TASK_ID, a_running_task
from tests.support.clock import EPOCH
from tests.support.resources import Resources


def receive(resources: Resources, url: str) -> list[Any]:
    return list(
        resources.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=1
        ).get("Messages", [])
    )


def test_a_message_arrives_as_it_was_sent(backend: Resources) -> None:
    backend.queue.send(Message(TASK_ID, 3))
    (message,) = receive(backend, backend.queue_url)
    assert decode_message(message["Body"]) == Message(TASK_ID, 3)


def test_a_postponed_message_is_invisible_and_then_comes_back(backend: Resources) -> None:
    backend.queue.send(Message(TASK_ID))
    (message,) = receive(backend, backend.queue_url)
    delivery = Delivery(message["MessageId"], message["ReceiptHandle"], message["Body"])
    backend.queue.postpone(delivery, 600)
    assert receive(backend, backend.queue_url) == []
    backend.queue.postpone(delivery, 0)
    assert [again["MessageId"] for again in receive(backend, backend.queue_url)] == [delivery.message_id]


@pytest.mark.parametrize("receipt_handle", ["gone", "AQEB" + "x" * 100])
def test_postponing_a_message_that_is_no_longer_ours_is_no_error(backend: Resources, receipt_handle: str) -> None:
    backend.queue.postpone(Delivery("id", receipt_handle, ""), 10)


def test_postponing_a_message_that_was_deleted_is_no_error(backend: Resources) -> None:
    backend.queue.send(Message(TASK_ID))
    (message,) = receive(backend, backend.queue_url)
    backend.sqs.delete_message(QueueUrl=backend.queue_url, ReceiptHandle=message["ReceiptHandle"])
    backend.queue.postpone(Delivery(message["MessageId"], message["ReceiptHandle"], ""), 10)


def test_a_dead_letter_carries_its_body_and_its_reasons(backend: Resources) -> None:
    backend.dead_letters.send("not a task ünïcode", {"errorType": "MalformedMessage", "errorMessage": "no JSON"})
    (letter,) = receive(backend, backend.dead_letter_queue_url)
    assert letter["Body"] == "not a task ünïcode"
    reasons = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert reasons == {"errorType": "MalformedMessage", "errorMessage": "no JSON"}


def test_the_letter_of_a_task_says_of_which_type_it_is_and_why_it_failed(backend: Resources) -> None:
    error = Failure("ValueError", "no")
    task = a_running_task(2, type="send", status=Status.FAILED, last_error=error, failed_at=EPOCH)
    backend.dead_letters.send(encode_message(Message(TASK_ID)), letter_attributes(task))
    (letter,) = receive(backend, backend.dead_letter_queue_url)
    assert {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()} == {
        "taskId": TASK_ID,
        "type": "send",
        "epoch": "0",
        "attempts": "2",
        "errorType": "ValueError",
        "errorMessage": "no",
        "failedAt": "2026-01-01T12:00:00.000Z",
    }


def test_a_foreign_message_that_fills_the_limit_is_kept_without_reasons(backend: Resources) -> None:
    body = "x" * MAX_MESSAGE_BYTES
    backend.dead_letters.send(body, {"errorType": "MalformedMessage"})
    (letter,) = receive(backend, backend.dead_letter_queue_url)
    assert letter["Body"] == body
    assert "MessageAttributes" not in letter
