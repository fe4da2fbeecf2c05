"""The engine enforces IAM, so the shipped policies are proven sufficient, and each action in them necessary."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from ftask.aws.stack import deployed_stack
from ftask.aws.target import Target
from ftask.core import transitions
from ftask.core.failed_index import FailedIndex
from ftask.core.local_stage import LOCAL_REGION
from ftask.core.model import Delivery, Message, Task, Unique
from ftask.core.one_time_schedules import OneTimeSchedules
from ftask.core.ports import Settlement
from ftask.core.settings import ScheduleSettings
from ftask.core.timestamps import now
from tests.support.builders import a_large_task, a_task
from tests.support.cli import Cli
from tests.support.engines import boto_session, local_target
from tests.support.iam import a_user, actions_of, iam_client, without
from tests.support.resources import Resources, role_policies

pytestmark = pytest.mark.engine


@dataclass
class World:
    """The deployed stack's parts, as root and as one of its roles."""

    root: Resources
    role: Resources
    schedules: OneTimeSchedules


def fresh(world: World) -> Task:
    task = a_task(task_id=uuid.uuid4().hex)
    world.root.store.put(task)
    return task


def put(world: World) -> None:
    world.role.store.put(a_task(task_id=uuid.uuid4().hex))


def get(world: World) -> None:
    assert world.role.store.get(fresh(world).task_id)


def query(world: World) -> None:
    assert list(world.role.store.get_many([fresh(world).task_id]))


def withdraw(world: World) -> None:
    world.role.store.withdraw(fresh(world).task_id)


def put_unique(world: World) -> None:
    """As a firing makes a task."""
    lock = Unique(f"unique#{uuid.uuid4().hex}", None, now() + timedelta(days=1))
    world.role.store.put(a_task(task_id=uuid.uuid4().hex, unique=lock))


def put_large(world: World) -> None:
    world.role.store.put_payload(a_large_task(task_id=uuid.uuid4().hex))


def read_large(world: World) -> None:
    task = a_large_task(task_id=uuid.uuid4().hex)
    world.root.store.put_payload(task)
    assert world.role.store.with_payload(replace(task, payload=None)) == task


def begin_and_settle(world: World) -> None:
    ok, task = world.role.store.begin(Message(fresh(world).task_id), "me", now() + timedelta(seconds=9), now())
    assert ok
    assert task is not None
    assert world.role.store.settle(transitions.completed(task, None, now()), "me") is Settlement.DONE


def begin_unknown(world: World) -> None:
    # The refusal has no item, so the absence of the task is read.
    assert world.role.store.begin(Message("f" * 32), "me", now() + timedelta(seconds=9), now()) == (False, None)


def failures(world: World) -> None:
    FailedIndex(lambda: world.role.dynamodb, world.role.table).page(1, None)


def send_many(world: World) -> None:
    world.role.queue.send_many([Message("f" * 32), Message("e" * 32)])


def send(world: World) -> None:
    world.role.queue.send(Message("f" * 32))


def postpone(world: World) -> None:
    # The role is asked before the handle is looked at.
    world.role.queue.postpone(Delivery("id", "gone", ""), 0)


def dead_letter(world: World) -> None:
    world.role.dead_letters.send("from a test of permissions", {"errorType": "Test"})


def schedule(world: World) -> None:
    world.schedules.send_at(Message(uuid.uuid4().hex), now() + timedelta(days=1))


NEEDED: list[tuple[str, str, Callable[[World], None]]] = [
    ("ApiRole", "dynamodb:PutItem", put),
    ("ApiRole", "dynamodb:PutItem", put_large),
    ("ApiRole", "dynamodb:GetItem", get),
    ("ApiRole", "dynamodb:BatchGetItem", query),
    ("ApiRole", "dynamodb:DeleteItem", withdraw),
    ("ApiRole", "dynamodb:Query", failures),
    ("ApiRole", "sqs:SendMessage*", send),
    ("ApiRole", "sqs:SendMessage*", send_many),
    ("WorkerRole", "dynamodb:UpdateItem", begin_and_settle),
    # Read only to undo a begin that failed, where a missing permission would go unnoticed.
    ("WorkerRole", "dynamodb:GetItem", get),
    ("WorkerRole", "dynamodb:GetItem", begin_unknown),
    ("WorkerRole", "dynamodb:GetItem", read_large),
    ("WorkerRole", "dynamodb:PutItem", put_unique),
    ("WorkerRole", "sqs:ChangeMessageVisibility", postpone),
    ("WorkerRole", "sqs:SendMessage", dead_letter),
    ("WorkerRole", "scheduler:CreateSchedule", schedule),
]
# What Lambda itself does under a role; the engine does it without asking.
BY_LAMBDA = {
    # The engine does not ask whether a role may be passed.
    "iam:PassRole",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
}


@pytest.fixture(scope="module")
def iam(deployed: Cli) -> Any:
    return iam_client(local_target(deployed))


@pytest.fixture
def user(iam: Any) -> Iterator[Callable[[dict[str, Any]], Credentials]]:
    """Makes an IAM user with one policy; answers its credentials."""
    with ExitStack() as made:

        def make(policy: dict[str, Any]) -> Credentials:
            user = made.enter_context(a_user(iam))
            user.may(policy)
            return user.credentials

        yield make


def deployed_policy(target: Target, iam: Any, role: str) -> dict[str, Any]:
    """The role's policy as the stack deployed it."""
    resource = target.cloudformation.describe_stack_resource(StackName=target.stack_name, LogicalResourceId=role)
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    (policy_name,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    document: dict[str, Any] = iam.get_role_policy(RoleName=name, PolicyName=policy_name)["PolicyDocument"]
    return document


def world(target: Target, credentials: Credentials) -> World:
    def parts(session: boto3.Session) -> Resources:
        names = deployed_stack(target).outputs
        return Resources(
            session.client("dynamodb", endpoint_url=target.endpoint_url),
            session.client("sqs", endpoint_url=target.endpoint_url),
            names.table,
            names.queue_url,
            names.dead_letter_queue_url,
        )

    as_role = boto3.Session(credentials.access_key, credentials.secret_key, region_name=LOCAL_REGION)
    group = target.cloudformation.describe_stack_resource(
        StackName=target.stack_name, LogicalResourceId="ScheduleGroup"
    )["StackResourceDetail"]["PhysicalResourceId"]
    scheduler = as_role.client("scheduler", endpoint_url=target.endpoint_url)
    settings = ScheduleSettings(group, "arn:aws:iam::000000000000:role/r", "arn:aws:sqs:::q", "arn:aws:sqs:::d")
    return World(parts(boto_session(target)), parts(as_role), OneTimeSchedules(lambda: scheduler, settings))


@pytest.mark.parametrize(
    ("role", "action", "call"), NEEDED, ids=[f"{role}-{action}-{call.__name__}" for role, action, call in NEEDED]
)
def test_each_role_may_do_what_it_does_and_loses_it_with_the_action(
    deployed: Cli,
    target: Target,
    iam: Any,
    user: Callable[[dict[str, Any]], Credentials],
    role: str,
    action: str,
    call: Callable[[World], None],
) -> None:
    policy = deployed_policy(target, iam, role)
    call(world(target, user(policy)))
    with pytest.raises(ClientError, match="AccessDenied"):
        call(world(target, user(without(policy, action))))


def test_every_action_of_the_template_is_accounted_for() -> None:
    for role in ("ApiRole", "WorkerRole"):
        proven = {action for name, action, _ in NEEDED if name == role}
        assert actions_of(role_policies([])[role]) - BY_LAMBDA == proven


def test_no_role_reaches_beyond_its_own_resources(
    deployed: Cli, target: Target, iam: Any, user: Callable[[dict[str, Any]], Credentials]
) -> None:
    api = world(target, user(deployed_policy(target, iam, "ApiRole")))
    worker = world(target, user(deployed_policy(target, iam, "WorkerRole")))
    forbidden: list[Callable[[], None]] = [
        lambda: dead_letter(api),
        lambda: begin_and_settle(api),
        lambda: send(worker),
        lambda: withdraw(worker),
    ]
    for call in forbidden:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def request(url: str, credentials: Credentials | None) -> int:
    """The HTTP status of submitting a task."""
    body = b'{"message":"SUCCESS"}'
    call: Any = AWSRequest("POST", f"{url}/tasks", data=body, headers={"content-type": "application/json"})
    if credentials is not None:
        signer: Any = SigV4Auth(credentials, "execute-api", LOCAL_REGION)
        signer.add_auth(call)
    http: Any = URLLib3Session()
    status: int = http.send(call.prepare()).status_code
    return status


def test_the_api_takes_signed_requests_of_those_who_may_and_no_others(
    deployed: Cli, target: Target, user: Callable[[dict[str, Any]], Credentials]
) -> None:
    parts = deployed_stack(target).outputs
    invoke = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "execute-api:Invoke",
                "Resource": f"arn:aws:execute-api:{LOCAL_REGION}:*:{parts.api_id}/v1/POST/tasks",
            }
        ],
    }
    allowed = user(invoke)
    stranger = user({**invoke, "Statement": [{**invoke["Statement"][0], "Action": "s3:GetObject"}]})  # type: ignore[dict-item]
    assert request(parts.api_url, None) == 403
    assert request(parts.api_url, allowed) == 202
    assert request(parts.api_url, stranger) == 403
    assert request(parts.api_url, Credentials(allowed.access_key, "not its secret")) == 403
