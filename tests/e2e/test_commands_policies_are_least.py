"""Under the engine's IAM each command works with the policy that ftask gives for it, and not with one action less.

The second half takes a run for each action, so it is asked with `--whole`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from typer.testing import CliRunner

from ftask.aws.stack import deployed_stack, find_stack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.cli import app
from ftask.core.codec import encode_message
from ftask.core.firings import Firing
from ftask.core.item import task_to_item
from ftask.core.local_stage import LOCAL_REGION
from ftask.core.model import EXPERIMENT_TYPE, Failure, Message, Status
from ftask.core.payload_item import payload_item_of
from ftask.core.timestamps import now
from ftask.deploy import artifacts
from ftask.deploy.stack_events import await_idle
from ftask.home.cache import CACHE_DIR_VARIABLE
from ftask.home.state_folder import STATE_DIR_VARIABLE
from ftask.local.engine import Engine
from ftask.ops import consumption
from ftask.policy.commands import ANYTHING, BUCKET, COMMANDS, DEPLOYING, MAPPING, QUEUE, STACK, WORKER, Scope, document
from ftask.policy.deployer import plan_policy, policy
from tests.conftest import start_engine
from tests.support.builders import LARGE_PAYLOAD, a_task
from tests.support.engines import local_target
from tests.support.iam import User, a_user, iam_client, without
from tests.support.stages import failed_task, put_failed

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("least policies")]

STAGE = "least"
SCHEDULED = """from ftask import task


@task(every="365d", catch_up=True)
def yearly():
    pass
"""
SCOPE = Scope(f"ftask-{STAGE}", region=LOCAL_REGION)
# Where the engine asks for another action than AWS does.
ALSO_ASKED = {
    "sqs:SendMessage": "sqs:SendMessageBatch",
    "sqs:DeleteMessage": "sqs:DeleteMessageBatch",
    "sqs:ChangeMessageVisibility": "sqs:ChangeMessageVisibilityBatch",
}
MAPPING_ASKED = {"Effect": "Allow", "Action": ["lambda:ListEventSourceMappings"], "Resource": "*"}
# What the engine cannot be brought to need, and why it is needed all the same.
UNPROVEN = {
    ("submit", MAPPING, "lambda:GetEventSourceMapping"): "only the reason of a standstill is left out without it",
    ("watch", MAPPING, "lambda:GetEventSourceMapping"): "the same",
    ("dlq redrive", MAPPING, "lambda:GetEventSourceMapping"): "the same",
    **{
        (command, WORKER, "lambda:InvokeFunction"): "only the reason why no task runs is left out without it"
        for command in ("submit", "watch", "dlq redrive", "info", "top")
    },
    (
        "pause",
        MAPPING,
        "lambda:UpdateEventSourceMapping",
    ): "the engine asks for one action, whatever is done",
    ("resume", MAPPING, "lambda:UpdateEventSourceMapping"): "the same",
    ("doctor", ANYTHING, "lambda:GetAccountSettings"): "the engine tells its settings to everybody",
    ("doctor", STACK, "cloudformation:DetectStackResourceDrift"): "the engine asks for the detection as a whole",
    ("doctor", ANYTHING, "cloudformation:BatchDescribeTypeConfigurations"): "the same",
    ("deploy", ANYTHING, "lambda:GetAccountSettings"): "only a warning is left out without it",
    ("bench", QUEUE, "sqs:GetQueueAttributes"): "asked only where tasks seem to be lost",
    ("deploy", STACK, "cloudformation:ContinueUpdateRollback"): "no rollback fails on the engine",
    **{
        (command, STACK, f"cloudformation:{action}"): why
        for command in DEPLOYING
        for action, why in {
            "DescribeEvents": "no validation fails on the engine",
            "TagResource": "the engine asks for the change set alone",
            "UntagResource": "the same",
            "UpdateTerminationProtection": "only a protected stage has it",
        }.items()
    },
    ("deploy", BUCKET, "s3:PutBucketPolicy"): "the policy asks for TLS, which the engine does not speak",
}


@pytest.fixture(scope="module")
def own_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = start_engine(tmp_path_factory.mktemp("policies"))
    yield engine
    engine.stop()


@dataclass(frozen=True)
class Caller:
    """Runs commands in this process, as one user or another: a hundred of them would be slow as processes."""

    engine: Target
    access_key: str
    secret_key: str

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """The exit code, and everything that the command said."""
        where = ("--stage", STAGE, "--endpoint-url", str(self.engine.endpoint_url), "--region", LOCAL_REGION)
        # What an earlier call has found out must not spare this one an action.
        with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as cache:
            patch.setenv(CACHE_DIR_VARIABLE, cache)
            patch.setenv("AWS_ACCESS_KEY_ID", self.access_key)
            patch.setenv("AWS_SECRET_ACCESS_KEY", self.secret_key)
            done = CliRunner().invoke(app, [*where, *arguments])
        return done.exit_code, done.output

    @property
    def root(self) -> Caller:
        return root_caller(self.engine)

    def as_root(self, *arguments: str) -> None:
        code, said = self.root(*arguments)
        assert code == 0, said

    @property
    def target(self) -> Target:
        """The stage, as root."""
        return replace(self.engine, stage_name=STAGE)

    @property
    def stage(self) -> Stage:
        """The deployed stage, as root."""
        return Stage(self.target, deployed_stack(self.target))


def root_caller(engine: Target) -> Caller:
    return Caller(engine, str(engine.access_key), str(engine.secret_key))


@pytest.fixture(scope="module")
def root(own_engine: Engine) -> Caller:
    return root_caller(local_target(own_engine))


@pytest.fixture
def user(root: Caller) -> Iterator[User]:
    with a_user(iam_client(root.engine)) as user:
        yield user


@pytest.fixture
def caller(root: Caller, user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Caller:
    monkeypatch.chdir(tmp_path)
    # What imports the tasks of a project is made there.
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(tmp_path / "state"))
    return Caller(root.engine, user.credentials.access_key, user.credentials.secret_key)


@pytest.fixture(scope="module")
def _deployed(root: Caller, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("scheduled")
    (folder / "ftask.toml").write_text('[tasks]\nmodule = "tasks"\n')
    (folder / "tasks.py").write_text(SCHEDULED)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv(STATE_DIR_VARIABLE, str(folder / "state"))
        root.as_root("deploy", "--yes")


def as_the_engine_asks(allowed: dict[str, Any]) -> dict[str, Any]:
    statements = [
        statement
        | {"Action": [*statement["Action"], *(ALSO_ASKED[name] for name in statement["Action"] if name in ALSO_ASKED)]}
        for statement in allowed["Statement"]
    ]
    reads_mapping = any("lambda:GetEventSourceMapping" in statement["Action"] for statement in statements)
    return allowed | {"Statement": [*statements, *([MAPPING_ASKED] if reads_mapping else [])]}


Run = tuple[str, ...]
WAITING = ("--wait", "--timeout", "60")
ENDING = ("--message", "SUCCESS", "--timeout", "60")


def a_failed_task(stage: Stage, *, letter: bool = True, type: str = EXPERIMENT_TYPE) -> str:  # noqa: A002
    task = failed_task(uuid.uuid4().int, now(), Failure("ValueError", "no"), '{"message":"SUCCESS"}')
    return put_failed(stage, replace(task, type=type), letter=letter).task_id


def a_waiting_task(stage: Stage, age: timedelta = timedelta(0), payload: str = '{"message":"SUCCESS"}') -> str:
    """One whose message nobody has sent."""
    at = now() - age
    kept = payload_item_of(payload, at, timedelta(days=30))
    task = a_task(task_id=uuid.uuid4().hex, created_at=at, updated_at=at, payload=payload, payload_item=kept)
    if kept is not None:
        stage.store.put_payload(task)
    stage.target.dynamodb.put_item(TableName=stage.outputs.table, Item=task_to_item(task))
    return task.task_id


def cancelling(stage: Stage) -> Iterator[Run]:
    yield ("cancel", a_waiting_task(stage), "--yes")
    yield ("cancel", a_waiting_task(stage), "--dry-run")
    a_waiting_task(stage, payload=LARGE_PAYLOAD)
    yield ("cancel", "--status", "PENDING", "--dry-run", "-o", "json")


def a_letter_of(stage: Stage, task_id: str) -> None:
    stage.dead_letters.send(encode_message(Message(task_id)), {})


def fresh(stage: Stage) -> None:
    """No task, no message, no letter, and a worker that consumes."""
    for queue_url in (stage.outputs.queue_url, stage.outputs.dead_letter_queue_url):
        stage.target.sqs.purge_queue(QueueUrl=queue_url)
    consumption.switch(stage, enabled=True)
    for page in stage.target.dynamodb.get_paginator("scan").paginate(TableName=stage.outputs.table):
        for item in page["Items"]:
            stage.target.dynamodb.delete_item(TableName=stage.outputs.table, Key={"taskId": item["taskId"]})


def scheduled(command: str) -> Callable[[Stage], Iterator[Run]]:
    """A command of the schedule that the stage has, after a firing, and in a pause."""

    def runs(stage: Stage) -> Iterator[Run]:
        stage.schedule_records.take(Firing("yearly", now() - timedelta(days=400)))
        stage.schedule_records.pause("yearly", now())
        yield ("schedule", command, *(() if command == "ls" else ("yearly",)))

    return runs


def peeking(stage: Stage) -> Iterator[Run]:
    yield ("dlq", "peek")
    a_failed_task(stage)
    yield ("dlq", "peek")


def draining(stage: Stage) -> Iterator[Run]:
    a_failed_task(stage)
    # A letter that is looked at and stays.
    a_failed_task(stage, type="greet")
    yield ("dlq", "drain", "--dry-run")
    yield ("dlq", "drain", "--type", EXPERIMENT_TYPE, "--to", "letters.jsonl", "--yes")


def discarding(stage: Stage) -> Iterator[Run]:
    # Another task's letter is looked at and stays, and a task has none.
    a_failed_task(stage, type="greet")
    a_failed_task(stage)
    a_failed_task(stage, letter=False)
    yield ("dlq", "discard", "--task", a_failed_task(stage), "--yes")
    yield ("dlq", "discard", "--type", EXPERIMENT_TYPE, "--yes")


def needing_doctor(stage: Stage) -> Iterator[Run]:
    """A task that is stuck, failed ones without a letter, the letter of one that has ended; messages of none."""
    a_waiting_task(stage, age=timedelta(hours=1))
    # Letters are read only where there are more or fewer of them than failed tasks.
    for _ in range(2):
        a_failed_task(stage, letter=False)
    ended = a_task(task_id=uuid.uuid4().hex, status=Status.COMPLETED, attempts=1)
    stage.target.dynamodb.put_item(TableName=stage.outputs.table, Item=task_to_item(ended))
    a_letter_of(stage, ended.task_id)
    yield ("doctor", "--fix", "--yes")
    consumption.switch(stage, enabled=False)
    stage.queue.send(Message("f" * 32))
    stage.queue.send(Message("e" * 32))
    yield ("doctor",)


def redriving(stage: Stage) -> Iterator[Run]:
    named = a_failed_task(stage)
    # A letter that is looked at and stays, and a task without one.
    a_letter_of(stage, "f" * 32)
    a_failed_task(stage, letter=False)
    yield ("dlq", "redrive", "--task", named, "--yes")
    yield ("dlq", "redrive", "--yes", *WAITING)


# What is run, on a stage that has just been emptied; together the runs of a command need all that it may need.
RUNS: dict[str, Callable[[Stage], Iterable[Run]]] = {
    "info": lambda _: [("info",)],
    "open": lambda _: [("open", "api")],
    "submit": lambda _: [("submit", "-m", "SUCCESS", *WAITING), ("submit", "-m", "SUCCESS", "-n", "2")],
    "types": lambda _: [("types",)],
    # A task of one's own may have a traceback.
    "get": lambda stage: [("get", a_failed_task(stage, type="greet"))],
    "watch": lambda stage: [("watch", a_waiting_task(stage), "--timeout", "0"), ("watch", "f" * 32)],
    "ls": lambda stage: [("ls",), ("ls", "--status", "FAILED")] if a_failed_task(stage) else [],
    "cancel": cancelling,
    "reschedule": lambda stage: [("reschedule", a_waiting_task(stage), "--now")],
    **{f"schedule {name}": scheduled(name) for name in ("ls", "run", "pause", "resume")},
    "pause": lambda _: [("pause", "--wait")],
    "resume": lambda stage: [("resume",)] if consumption.switch(stage, enabled=False) else [],
    "logs": lambda stage: [("logs", "--task", a_waiting_task(stage))],
    "top": lambda _: [("top", "-n", "1")],
    "dlq ls": lambda stage: [("dlq", "ls", "--group-by", "error")] if a_failed_task(stage) else [],
    "dlq show": lambda stage: [("dlq", "show", a_failed_task(stage))],
    "dlq redrive": redriving,
    "dlq discard": discarding,
    "dlq drain": draining,
    "dlq peek": peeking,
    "doctor": needing_doctor,
    "bench": lambda _: [("bench", "-n", "2", *ENDING), ("bench", "-n", "1", "--rate", "9", *ENDING)],
}
# What only a deployment of own tasks needs: the worker is asked whether it can import them, and the unfinished tasks of
# a removed type are counted.
FOR_OWN_TASKS = {"lambda:InvokeFunction", "dynamodb:Scan"}
# What only a plan that is dropped needs.
DROPPING = {f"cloudformation:{call}" for call in ("DeleteChangeSet", "DeleteStack", "ListChangeSets")}
DENIED = ("AWS denied", "refused these credentials", "These credentials lack", "denies access")


def ends(caller: Caller, runs: Iterable[Run]) -> list[tuple[int, str]]:
    """How the runs ended, up to the first that was refused something."""
    endings = []
    for arguments in runs:
        endings.append(caller(*arguments))
        if denied(endings):
            break
    return endings


def denied(endings: list[tuple[int, str]]) -> bool:
    return any(word in said for _, said in endings for word in DENIED)


def prove(caller: Caller, user: User, command: str, runs: Callable[[str | None], Iterable[Run]], whole: bool) -> None:
    """The command ends under its policy as it does for root, and, in a `whole` run, is refused with one action less.

    `runs` are those that need a given action, or all of them.
    """
    user.may(as_the_engine_asks(policy([command], SCOPE)))
    endings = ends(caller, runs(None))
    assert not denied(endings), endings
    assert [code for code, _ in endings] == [code for code, _ in ends(caller.root, runs(None))]
    if not whole:
        return
    allowed = document(COMMANDS[command], SCOPE)
    for pattern, actions in COMMANDS[command].items():
        for action in sorted(actions):
            user.may(as_the_engine_asks(without(allowed, action, SCOPE.arns(pattern))))
            refused = denied(ends(caller, runs(action)))
            assert refused or (command, pattern, action) in UNPROVEN, (action, pattern)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in DEPLOYING])
@pytest.mark.usefixtures("_deployed")
def test_a_command_works_with_its_policy_and_not_with_one_action_less(
    caller: Caller, user: User, command: str, pytestconfig: pytest.Config
) -> None:
    def runs(_: str | None) -> Iterable[Run]:
        stage = caller.stage
        fresh(stage)
        return RUNS[command](stage)

    prove(caller, user, command, runs, pytestconfig.getoption("--whole"))


@pytest.mark.usefixtures("_deployed")
def test_who_plans_cannot_deploy(caller: Caller, user: User) -> None:
    # Before the tests that take the stage down.
    user.may(plan_policy(SCOPE))
    before = caller.stage.stack.parameters
    code, said = caller("deploy", "--dry-run", "--param", "ErrorRate=0.75")
    assert (code, "ErrorRate" in said, "Nothing changed" in said) == (0, True, True), said
    assert denied([caller("deploy", "--yes", "--param", "ErrorRate=0.75")])
    assert caller.stage.stack.parameters == before


TASKS = "from ftask.tasks import task\n\n\n@task\ndef greet():\n    return 'hello'\n"
TASKS_POLICY = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a-bucket/*"}]}


def write_project(folder: Path) -> None:
    """A project whose tasks have a policy: what a deployment can have at most."""
    (folder / "ftask.toml").write_text('[tasks]\nmodule = "tasks"\npolicy = "policy.json"\n')
    (folder / "tasks.py").write_text(TASKS)
    (folder / "policy.json").write_text(json.dumps(TASKS_POLICY))


@pytest.mark.parametrize("command", DEPLOYING)
def test_a_deployer_needs_the_whole_of_the_policy(
    caller: Caller, user: User, command: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    def runs(action: str | None) -> Iterable[Run]:
        # The whole policy is enough for own tasks too; most actions are needed even without them, which is faster.
        if action is None or action in FOR_OWN_TASKS:
            write_project(tmp_path)
        else:
            (tmp_path / "ftask.toml").unlink(missing_ok=True)
        if command == "remove":
            caller.as_root("deploy", "--yes")
            return [("remove", "--keep-data", "--yes"), ("remove", "--yes")]
        take_down(caller.target)
        dry = [("deploy", "--dry-run")]
        # The second one finds the bucket that the first one made.
        return (
            dry
            if action in DROPPING
            else chain(dry if action is None else [], deploying(removes_type=action is None or action in FOR_OWN_TASKS))
        )

    def deploying(*, removes_type: bool) -> Iterator[Run]:
        yield ("deploy", "--yes")
        if removes_type:
            (tmp_path / "tasks.py").write_text(TASKS.replace("greet", "hello"))
        yield ("deploy", "--yes", "--param", "ErrorRate=0.5")

    prove(caller, user, command, runs, pytestconfig.getoption("--whole"))


def take_down(target: Target) -> None:
    """Whatever a refused deployment has left: a stack in any state, or none."""
    existing = find_stack(target)
    if existing is not None:
        target.cloudformation.delete_stack(StackName=existing.stack_id)
        await_idle(target, existing.stack_id)
    artifacts.discard(target, artifacts.bucket_names(target, "000000000000")[0])
