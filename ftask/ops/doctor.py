"""Checks of a stage. Each finding says what it means and what to do; some can be put right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import describe, parameters_of
from ftask.aws.stage import Stage
from ftask.core.codec import encode_message
from ftask.core.errors import FtaskError
from ftask.core.execution import letter_attributes
from ftask.core.item import item_to_task
from ftask.core.model import Message, Status, Task
from ftask.core.redrive import RedriveOutcome
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.core.transitions import CLOCK_SKEW_MARGIN
from ftask.dead_letters.peek import peek
from ftask.dead_letters.selection import failures
from ftask.ops import consumption, drift
from ftask.ops.scan import scan

# Signatures are refused from five minutes on; a clock that is off by this much is on its way there.
MAX_SKEW = timedelta(seconds=60)
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_IN_FLIGHT = 120_000
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
ADVISED_VISIBILITY_FACTOR = 6
# How long after the moment at which its message is due a task may still be waiting for its turn.
GRACE = timedelta(seconds=60)
# More letters than this are only counted.
MOST_LETTERS = 10_000


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"  # worth knowing
    WARNING = "warning"  # will hurt some day, or hurts a few tasks
    ERROR = "error"  # hurts now


@dataclass(frozen=True)
class Finding:
    """What a check found. `fix` puts it right and says how; None where that needs a person."""

    check: str
    level: Level
    message: str
    hint: str | None = None
    fix: Callable[[], str] | None = None


Check = Callable[[Stage], Iterator[Finding]]


def examine(stage: Stage) -> Iterator[Finding]:
    """Every check in turn; one that cannot be made is a finding itself."""
    for name, check in CHECKS.items():
        try:
            yield from check(stage)
        except FtaskError as error:
            yield Finding(name, Level.ERROR, f"Not checked. {error.message}", error.hint)


def _credentials(stage: Stage) -> Iterator[Finding]:
    with translate_aws_errors():
        answer = stage.target.sts.get_caller_identity()
    yield Finding("credentials", Level.OK, f"{answer['Arn']} in account {answer['Account']}")
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    if date is None:
        return
    skew = abs(now() - parsedate_to_datetime(date))
    if skew > MAX_SKEW:
        yield Finding(
            "clock",
            Level.ERROR,
            f"This machine's clock is off by {skew.total_seconds():.0f} s; AWS refuses signatures from 300 s on.",
            "Synchronise the clock (NTP).",
        )
    else:
        yield Finding("clock", Level.OK, "agrees with AWS's")


def _stack(stage: Stage) -> Iterator[Finding]:
    described = describe(stage.target)
    status = described["StackStatus"] if described else "GONE"
    name = stage.target.stack_name
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        yield Finding("stack", Level.OK, f"{name} is {status}")
    elif status.endswith("IN_PROGRESS"):
        yield Finding("stack", Level.WARNING, f"{name} is {status}.", "A deployment is under way; look again after it.")
    else:
        yield Finding("stack", Level.ERROR, f"{name} is {status}.", "Bring it in order with: ftask deploy")


def _drift(stage: Stage) -> Iterator[Finding]:
    drifted = drift.detect(stage.target)
    for resource in drifted:
        yield Finding(
            "drift",
            Level.WARNING,
            f"{resource.logical_id} was changed outside of CloudFormation: {resource.what}.",
            "Change it back, or carry the change into the template and deploy.",
        )
    if not drifted:
        yield Finding("drift", Level.OK, "every resource is as deployed")


def _parameters(stage: Stage) -> Iterator[Finding]:
    parameters = parameters_of(describe(stage.target))
    found = list(contradictions(parameters))
    with translate_aws_errors():
        limit = _concurrency_limit(stage)
    wanted = int(parameters.get("WorkerConcurrency", "0"))
    if limit is not None and wanted > limit:
        found.append(
            Finding(
                "parameters",
                Level.WARNING,
                f"WorkerConcurrency is {wanted}, and the account runs at most {limit} functions at once:"
                " deliveries will be throttled.",
                "Ask AWS for a higher limit, or lower WorkerConcurrency.",
            )
        )
    yield from found or [Finding("parameters", Level.OK, "agree with each other")]


def contradictions(parameters: Mapping[str, str]) -> Iterator[Finding]:
    """Parameters that each are allowed and together are not wise."""
    timeout = float(parameters.get("WorkerTimeout", "0"))
    visibility = float(parameters.get("VisibilityTimeout", "0"))
    budget = float(parameters.get("TaskBudgetSeconds", "0"))
    advice = f"ftask deploy --param VisibilityTimeout={ADVISED_VISIBILITY_FACTOR * timeout:g}"
    if visibility < timeout:
        yield Finding(
            "parameters",
            Level.ERROR,
            f"VisibilityTimeout ({visibility:g} s) is below WorkerTimeout ({timeout:g} s): messages are delivered again"
            " while their tasks run.",
            advice,
        )
    elif visibility < ADVISED_VISIBILITY_FACTOR * timeout:
        yield Finding(
            "parameters",
            Level.NOTE,
            f"VisibilityTimeout ({visibility:g} s) is less than the advised six times WorkerTimeout ({timeout:g} s):"
            " throttled deliveries come back early.",
            advice,
        )
    if budget >= timeout:
        yield Finding(
            "parameters",
            Level.ERROR,
            f"TaskBudgetSeconds ({budget:g}) is not below WorkerTimeout ({timeout:g}): no task ever begins.",
            "Lower TaskBudgetSeconds or raise WorkerTimeout.",
        )


def _consumption(stage: Stage) -> Iterator[Finding]:
    state = consumption.state(stage)
    if state == "Enabled":
        yield Finding("consumption", Level.OK, "the worker consumes")
    else:
        yield Finding(
            "consumption",
            Level.WARNING,
            f"The worker's event source mapping is {state}: tasks are accepted and wait, at most 14 days.",
            "Start it with: ftask resume",
        )
    _, in_flight = stage.counts(stage.outputs.queue_url)
    if in_flight > MAX_IN_FLIGHT // 2:
        yield Finding(
            "in flight",
            Level.WARNING,
            f"{in_flight:,} messages are in flight; SQS holds {MAX_IN_FLIGHT:,}, and then delivers nothing.",
            "Tasks that back off stay in flight: lower BackoffCapSeconds, or find out why so many fail.",
        )


def _permissions(stage: Stage) -> Iterator[Finding]:
    """Calls that change nothing: AWS asks for the permission first, and then finds nothing to do."""
    sqs, url = stage.target.sqs, stage.outputs.dead_letter_queue_url
    harmless: dict[str, Callable[[], object]] = {
        "dynamodb:UpdateItem": lambda: stage.target.dynamodb.update_item(
            TableName=stage.outputs.table,
            Key={"taskId": {"S": "no task has this id"}},
            ConditionExpression="attribute_exists(taskId)",
            UpdateExpression="SET updatedAt = updatedAt",
        ),
        "sqs:DeleteMessage": lambda: sqs.delete_message(QueueUrl=url, ReceiptHandle="none"),
        "sqs:ChangeMessageVisibility": lambda: sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle="none", VisibilityTimeout=0
        ),
    }
    missing = [action for action, call in harmless.items() if _denied(call)]
    if missing:
        yield Finding(
            "permissions",
            Level.WARNING,
            f"These credentials lack {', '.join(missing)}: redrive, drain and cancel will be refused.",
            "Ask for them, or use another --profile.",
        )
    else:
        yield Finding("permissions", Level.OK, "suffice to read, redrive, drain and cancel")


def _tasks(stage: Stage) -> Iterator[Finding]:
    waiting, _ = stage.counts(stage.outputs.queue_url)
    paused = consumption.state(stage) != "Enabled"
    with translate_aws_errors():
        visibility = timedelta(
            seconds=int(
                stage.target.sqs.get_queue_attributes(
                    QueueUrl=stage.outputs.queue_url, AttributeNames=["VisibilityTimeout"]
                )["Attributes"]["VisibilityTimeout"]
            )
        )
    moment = now()
    unfinished = overdue = 0
    stuck: list[Message] = []
    open_statuses = {status.lower(): str(status) for status in Status if not status.terminal}
    condition = f"#status IN ({', '.join(f':{name}' for name in open_statuses)})"
    for page in scan(stage, condition, {"#status": "status"}, **open_statuses):
        for task in map(item_to_task, page.items):
            unfinished += 1
            if moment > message_due(task) + visibility + GRACE:
                overdue += 1
                stuck.append(Message(task.task_id, task.epoch))
    if overdue and (paused or waiting):
        why = "consumption is paused" if paused else f"{plural(waiting, 'message')} wait in the queue"
        yield Finding("tasks", Level.NOTE, f"{plural(overdue, 'task')} wait longer than usual: {why}.")
    elif overdue:
        yield Finding(
            "tasks",
            Level.ERROR,
            f"{plural(overdue, 'task')}, like {stuck[0].task_id}, should have been looked at by now, and no message"
            " is there to cause it.",
            "ftask doctor --fix sends their messages again; a message too many does no harm.",
            lambda: _send_again(stage, stuck),
        )
    else:
        yield Finding("tasks", Level.OK, f"{plural(unfinished, 'task')} on the way, none stuck")


def message_due(task: Task) -> datetime:
    """When the message of an unfinished task is to be delivered at the latest, if the queue has nothing else to do."""
    if task.status is Status.PROCESSING and task.lease is not None:
        return task.lease.until + CLOCK_SKEW_MARGIN
    return task.next_attempt_at or task.updated_at


def _letters(stage: Stage) -> Iterator[Finding]:
    failed = {task.task_id: task.epoch for task in failures(stage)}
    letters = sum(stage.counts(stage.outputs.dead_letter_queue_url))
    if letters > MOST_LETTERS or len(failed) > MOST_LETTERS:
        yield Finding(
            "dead letters",
            Level.NOTE,
            f"{plural(len(failed), 'failed task')}, {plural(letters, 'dead letter')}: too many to compare one by one.",
            "See what they have in common with: ftask dlq ls",
        )
        return
    kinds: Counter[str] = Counter()
    with_letter = set()
    for letter in peek(stage, MOST_LETTERS):
        if letter.task_id is None:
            kinds["foreign"] += 1
        elif failed.get(letter.task_id) == letter.epoch:
            with_letter.add(letter.task_id)
        else:
            task = stage.task(letter.task_id)
            kinds["gone" if task is None else "stale"] += 1
    without = [task_id for task_id in failed if task_id not in with_letter]
    if kinds["stale"]:
        yield Finding(
            "dead letters",
            Level.NOTE,
            f"{plural(kinds['stale'], 'dead letter')} of tasks that have moved on: left by an interrupted redrive.",
            "ftask doctor --fix discards them, as the next redrive does.",
            lambda: _discard_stale(stage),
        )
    if kinds["foreign"] or kinds["gone"]:
        yield Finding(
            "dead letters",
            Level.WARNING,
            f"{plural(kinds['foreign'], 'dead letter')} not of a task, {kinds['gone']:,} whose task is gone.",
            "Look with: ftask dlq peek; keep them in a file with: ftask dlq drain --to FILE",
        )
    if without:
        yield Finding(
            "dead letters",
            Level.NOTE,
            f"{plural(len(without), 'failed task')}, like {without[0]}, without a dead letter: drained, or expired.",
            "They can be redriven all the same; ftask doctor --fix sends their letters again.",
            lambda: _send_letters(stage, without),
        )
    if not kinds and not without:
        yield Finding("dead letters", Level.OK, f"{plural(len(failed), 'failed task')}, each with its letter")


def _send_again(stage: Stage, messages: list[Message]) -> str:
    with translate_aws_errors():
        sent = sum(len(stage.queue.send_many(messages[at : at + 10])) for at in range(0, len(messages), 10))
    return f"sent {plural(sent, 'message')} again"


def _discard_stale(stage: Stage) -> str:
    with translate_aws_errors():
        found = Counter(
            outcome
            for batch in stage.redriver.redrive_letters(stage.dead_letter_reader, lambda _: False)
            for _, outcome in batch
        )
    return f"discarded {plural(found[RedriveOutcome.STALE], 'stale letter')}"


def _send_letters(stage: Stage, task_ids: list[str]) -> str:
    sent = 0
    with translate_aws_errors():
        for task in stage.store.get_many(task_ids):
            if task.status is Status.FAILED:
                message = encode_message(Message(task.task_id, task.epoch))
                stage.dead_letters.send(message, letter_attributes(task))
                sent += 1
    return f"sent {plural(sent, 'dead letter')} again"


def _concurrency_limit(stage: Stage) -> int | None:
    limit: Any = stage.target.lambda_.get_account_settings().get("AccountLimit", {}).get("ConcurrentExecutions")
    return limit if isinstance(limit, int) else None


def _denied(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        return error.response.get("Error", {}).get("Code") in ("AccessDenied", "AccessDeniedException")
    return False


CHECKS: Mapping[str, Check] = {
    "credentials": _credentials,
    "stack": _stack,
    "drift": _drift,
    "parameters": _parameters,
    "consumption": _consumption,
    "permissions": _permissions,
    "tasks": _tasks,
    "dead letters": _letters,
}
