"""A begin that is refused without the old item reads the item."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from ftask.core.dynamodb import DynamoStore
from ftask.core.item import task_to_item
from ftask.core.model import Message
from ftask.core.transitions import Acknowledge, decide_refused_begin
from tests.support.builders import TASK_ID, a_running_task
from tests.support.clock import EPOCH

REFUSED = "ConditionalCheckFailedException"


@pytest.fixture
def dynamodb() -> Iterator[tuple[Any, Stubber]]:
    client = botocore.session.get_session().create_client(
        "dynamodb", "us-east-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def begin_refused(dynamodb: tuple[Any, Stubber], answer: Any) -> Any:
    client, stubber = dynamodb
    stubber.add_client_error("update_item", REFUSED)
    stubber.add_response(
        "get_item", answer, {"TableName": "t", "Key": {"taskId": {"S": TASK_ID}}, "ConsistentRead": True}
    )
    begun, current = DynamoStore(lambda: client, "t").begin(
        Message(TASK_ID), "me", EPOCH + timedelta(seconds=20), EPOCH
    )
    assert not begun
    return decide_refused_begin(current, Message(TASK_ID), "me", EPOCH)


def test_a_refused_begin_without_the_old_item_does_not_throw_a_live_message_away(
    dynamodb: tuple[Any, Stubber],
) -> None:
    task = a_running_task()
    assert not isinstance(begin_refused(dynamodb, {"Item": task_to_item(task)}), Acknowledge)


def test_the_message_of_a_task_that_does_not_exist_is_acknowledged(dynamodb: tuple[Any, Stubber]) -> None:
    assert begin_refused(dynamodb, {}) == Acknowledge("unknown task")
