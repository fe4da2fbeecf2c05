"""The checks of `ftask doctor` in their order, and those of them that are short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from functools import partial

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parameters import contradictions
from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.core.errors import FtaskError
from ftask.core.timestamps import now
from ftask.doctor.as_deployed import check_code, check_drift
from ftask.doctor.finding import Finding, Level
from ftask.doctor.overdue_tasks import check_tasks
from ftask.doctor.unmatched_letters import check_letters
from ftask.doctor.worker_settings import check_worker
from ftask.ops import consumption

# From 300 s on AWS refuses signatures; a clock that is off by this much will soon be there.
MAX_SKEW = timedelta(seconds=60)
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_IN_FLIGHT = 120_000

Check = Callable[[Stage], Iterator[Finding]]


def examine(stage: Stage, restore_mapping: Callable[[], object]) -> Iterator[Finding]:
    """Make every check in turn; a check that fails is a finding too.

    `restore_mapping` recreates the worker's event source mapping, for the repair of one that is gone.
    """
    for name, check in checks(restore_mapping).items():
        try:
            yield from check(stage)
        except FtaskError as error:
            yield Finding(name, Level.ERROR, f"Not checked. {error.message}", error.hint)


def checks(restore_mapping: Callable[[], object]) -> Mapping[str, Check]:
    """Return the checks in their order; see :func:`examine` for `restore_mapping`."""
    return {
        "credentials": _credentials,
        "stack": _stack,
        "start": _start,
        "worker": partial(check_worker, restore_mapping=restore_mapping),
        "drift": check_drift,
        "code": check_code,
        "parameters": _parameters,
        "consumption": _consumption,
        "permissions": _permissions,
        "tasks": _tasks,
        "dead letters": check_letters,
    }


def _credentials(stage: Stage) -> Iterator[Finding]:
    with translate_aws_errors():
        answer = stage.target.sts.get_caller_identity()
    yield Finding("credentials", Level.OK, f"{answer['Arn']} in account {answer['Account']}")
    skew = _skew(answer["ResponseMetadata"]["HTTPHeaders"].get("date"))
    if skew is None:
        return
    if skew > MAX_SKEW:
        yield Finding(
            "clock",
            Level.ERROR,
            f"This machine's clock is off by {skew.total_seconds():.0f} s; from 300 s on AWS refuses signatures.",
            "Synchronise the clock (NTP).",
        )
    else:
        yield Finding("clock", Level.OK, "agrees with AWS's")


def _stack(stage: Stage) -> Iterator[Finding]:
    status = stage.stack.status
    name = stage.target.stack_name
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        yield Finding("stack", Level.OK, f"{name} is {status}")
    elif status.endswith("IN_PROGRESS"):
        text = f"{name} is {status}: a deployment is running."
        yield Finding("stack", Level.WARNING, text, "Run the command again when the deployment has ended.")
    else:
        hint = f"Repair it with: {command_on(stage.target, 'deploy')}"
        yield Finding("stack", Level.ERROR, f"{name} is {status}.", hint)


def _start(stage: Stage) -> Iterator[Finding]:
    checked = stage.check_worker()
    if checked.failures:
        text = f"The worker cannot run tasks. {checked.short_text}"
        yield Finding("start", Level.ERROR, text, checked.advice(stage.target))
    else:
        yield Finding("start", Level.OK, "the worker starts, and reaches its table and queues")


def _parameters(stage: Stage) -> Iterator[Finding]:
    limit = stage.target.concurrency_limit()
    deploy = command_on(stage.target, "deploy")
    problems = contradictions(stage.stack.parameters, limit)
    for problem in problems:
        hint = f"{problem.advice} For example: {deploy} --param {problem.remedy}"
        yield Finding("parameters", Level(problem.severity), problem.message, hint)
    if not problems:
        yield Finding("parameters", Level.OK, "agree with each other")


def _consumption(stage: Stage) -> Iterator[Finding]:
    state = consumption.state(stage)
    if state == consumption.ENABLED:
        yield Finding("consumption", Level.OK, "the worker consumes")
    elif state == consumption.DISABLED:
        yield Finding(
            "consumption",
            Level.NOTE,
            "Paused: tasks wait in the queue, which keeps them 14 days.",
            f"Start consumption with: {command_on(stage.target, 'resume')}",
        )
    elif state != consumption.MISSING:  # which the check of the worker reports
        yield Finding("consumption", Level.NOTE, f"Lambda changes the worker's event source mapping: it is {state}.")
    in_flight = stage.queue_depth().in_flight
    if in_flight > MAX_IN_FLIGHT // 2:
        yield Finding(
            "in flight",
            Level.WARNING,
            f"{in_flight:,} messages are in flight; at {MAX_IN_FLIGHT:,} SQS delivers no more.",
            "Tasks that back off stay in flight. Lower BackoffCapSeconds, or see why tasks fail with:"
            f" {command_on(stage.target, 'dlq ls')}",
        )


def _tasks(stage: Stage) -> Iterator[Finding]:
    return check_tasks(stage, is_consuming=consumption.state(stage) == consumption.ENABLED)


def _permissions(stage: Stage) -> Iterator[Finding]:
    """Make calls that change nothing: AWS checks the permission first, and then has nothing to do."""
    sqs, url = stage.target.sqs, stage.outputs.dead_letter_queue_url
    harmless_calls: dict[str, Callable[[], object]] = {
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
    denied = [action for action, call in harmless_calls.items() if _is_denied(call)]
    if denied:
        yield Finding(
            "permissions",
            Level.WARNING,
            f"These credentials lack {', '.join(denied)}: redrive, drain and cancel will fail.",
            f"Ask for the policy that this prints, or use another --profile: {command_on(stage.target, 'policy')}",
        )
    else:
        yield Finding("permissions", Level.OK, "suffice to read, redrive, drain and cancel")


def _skew(date: str | None) -> timedelta | None:
    """Return how far this machine's clock is from the Date header of an answer; None if that says no time."""
    try:
        moment = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    # Without a zone in the header, the time is UTC as everywhere in HTTP.
    return abs(now() - (moment if moment.tzinfo else moment.replace(tzinfo=UTC)))


def _is_denied(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        return error.response.get("Error", {}).get("Code") in ("AccessDenied", "AccessDeniedException")
    return False
