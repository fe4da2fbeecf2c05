"""An endpoint that leaves out the old item of a refused conditional write: it is found, and begin is not misled."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import botocore.session
import pytest
from botocore.stub import ANY, Stubber

from ftask.aws.old_items import returns_old_items
from ftask.aws.target import Target
from ftask.core.dynamodb import DynamoStore
from ftask.core.errors import FtaskError
from ftask.core.item import task_to_item
from ftask.core.model import Message
from ftask.core.transitions import Acknowledge, decide_refused_begin
from ftask.deploy.deployment import Deployment
from tests.support.builders import TASK_ID, a_running_task
from tests.support.clock import EPOCH

REFUSED = "ConditionalCheckFailedException"
OLD_ITEM = {"Item": {"taskId": {"S": "x"}}}


@pytest.fixture
def dynamodb() -> Iterator[tuple[Any, Stubber]]:
    client = botocore.session.get_session().create_client(
        "dynamodb", "us-east-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


def emulated(client: Any) -> Target:
    target = Target("dev", region="us-east-1", endpoint_url="http://an.emulator")
    vars(target)["dynamodb"] = client  # where the cached client would be
    return target


def probing(stubber: Stubber, old_item: Any) -> None:
    stubber.add_response("put_item", {}, {"TableName": "t", "Item": ANY})
    asked = {
        "TableName": "t",
        "Key": ANY,
        "ConditionExpression": "attribute_not_exists(taskId)",
        "UpdateExpression": ANY,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    stubber.add_client_error("update_item", REFUSED, modeled_fields=old_item, expected_params=asked)
    stubber.add_response("delete_item", {}, {"TableName": "t", "Key": ANY})


@pytest.mark.parametrize(("old_item", "returned"), [(OLD_ITEM, True), ({}, False)])
def test_a_probe_tells_whether_old_items_come_and_leaves_nothing(
    dynamodb: tuple[Any, Stubber], old_item: Any, returned: bool
) -> None:
    client, stubber = dynamodb
    probing(stubber, old_item)
    assert returns_old_items(emulated(client), "t") is returned


def test_credentials_that_may_not_write_find_out_nothing(dynamodb: tuple[Any, Stubber]) -> None:
    client, stubber = dynamodb
    stubber.add_client_error("put_item", "AccessDeniedException")
    assert returns_old_items(emulated(client), "t") is None


def test_a_deployment_on_an_endpoint_without_old_items_is_an_error(dynamodb: tuple[Any, Stubber]) -> None:
    client, stubber = dynamodb
    probing(stubber, {})
    with pytest.raises(FtaskError, match="does not return the old item") as refused:
        Deployment(emulated(client), {}).check_endpoint("t")
    assert "local engine" in str(refused.value.hint)


def test_aws_is_not_probed(dynamodb: tuple[Any, Stubber]) -> None:
    target = Target("prod", region="us-east-1")
    vars(target)["dynamodb"], _ = dynamodb
    Deployment(target, {}).check_endpoint("t")


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
