"""Dead letters without a failed task, and failed tasks without a dead letter.

Where there are as many of one as of the other, no letter is read: that takes 0.2 requests to SQS per letter, and hides
the letter from a redrive meanwhile. A letter that must have expired is missed all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.core.codec import encode_message
from ftask.core.execution import letter_attributes
from ftask.core.failed_index import FailedTask
from ftask.core.letters import LetterState, judge
from ftask.core.model import Message, Status
from ftask.core.sqs import MAX_BATCH, SqsDeadLetterReader
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.dead_letters.peek import peek
from ftask.dead_letters.redrive import discard_stale
from ftask.dead_letters.selection import failures
from ftask.doctor.finding import Finding, Level

CHECK = "dead letters"
# More letters or failed tasks than this are only counted.
MOST_LETTERS = 10_000
# What the template sets, the most that SQS allows.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
LETTER_LIFE = timedelta(days=14)


def check_letters(stage: Stage) -> Iterator[Finding]:
    """Report what does not match, each with its repair."""
    failed = {task.task_id: task for task in failures(stage)}
    depth = stage.dead_letter_depth()
    has_expired = any(task.failed_at < now() - LETTER_LIFE for task in failed.values())
    if depth.total == len(failed) and not has_expired:
        yield Finding(CHECK, Level.OK, f"{plural(len(failed), 'failed task')}, one dead letter for each")
        return
    if max(depth.total, len(failed)) > MOST_LETTERS:
        yield Finding(
            CHECK,
            Level.NOTE,
            f"{plural(len(failed), 'failed task')}, {plural(depth.total, 'dead letter')}: too many to compare.",
            f"Group them by kind of error with: {command_on(stage.target, 'dlq ls')}",
        )
        return
    comparison = _compare(stage, failed, depth.total)
    findings = list(_findings(stage, comparison))
    if depth.in_flight and (findings or comparison.without_letter):
        # It may hold the very letters that seem to be missing.
        yield Finding(
            CHECK,
            Level.NOTE,
            f"Another reader (redrive, drain, peek or doctor) holds {plural(depth.in_flight, 'dead letter')}: not all"
            " could be compared with the failed tasks.",
            "Run the command again when it has ended.",
        )
    elif comparison.without_letter:
        findings.append(_without_letter(stage, comparison.without_letter))
    yield from findings
    if not findings and not comparison.without_letter:
        yield Finding(CHECK, Level.OK, f"{plural(len(failed), 'failed task')}, each with a dead letter")


@dataclass
class _Comparison:
    """What the letters say: those that are not of a failed task, and the failed tasks that none of them is of."""

    foreign: int = 0
    stale: int = 0
    deleted: list[str] = field(default_factory=list)
    without_letter: list[FailedTask] = field(default_factory=list)


def _compare(stage: Stage, failed: Mapping[str, FailedTask], letters: int) -> _Comparison:
    comparison = _Comparison()
    with_letter: set[str] = set()
    others: list[Message] = []
    for peeked in peek(stage, MOST_LETTERS, hold_seconds=_hold_seconds(letters)):
        message = peeked.message
        if message is None:
            comparison.foreign += 1
        elif message.task_id in failed and failed[message.task_id].epoch == message.epoch:
            with_letter.add(message.task_id)
        else:
            others.append(message)
    with translate_aws_errors():
        tasks = {task.task_id: task for task in stage.store.get_many([message.task_id for message in others])}
    for message in others:
        # One that has just failed is CURRENT, and one that is about to fail UNSETTLED: both are as they should be.
        state = judge(message, tasks.get(message.task_id))
        if state is LetterState.STALE:
            comparison.stale += 1
        elif state is LetterState.UNKNOWN:
            comparison.deleted.append(message.task_id)
    comparison.without_letter = [task for task in failed.values() if task.task_id not in with_letter]
    return comparison


def _hold_seconds(letters: int) -> int:
    """Return how long to hide letters so that none comes back before all are read: a second for each request."""
    return SqsDeadLetterReader.VISIBILITY_SECONDS + letters // MAX_BATCH


def _findings(stage: Stage, comparison: _Comparison) -> Iterator[Finding]:
    if comparison.stale:
        yield Finding(
            CHECK,
            Level.NOTE,
            f"{plural(comparison.stale, 'stale dead letter')}: their tasks were redriven, removed or ended since.",
            f"The next redrive, discard or drain deletes them; so does: {command_on(stage.target, 'doctor --fix')}",
            lambda: f"discarded {plural(discard_stale(stage, _hold_seconds(MOST_LETTERS)), 'stale letter')}",
        )
    if comparison.foreign or comparison.deleted:
        kinds = [
            *([f"{plural(comparison.foreign, 'dead letter')} not of a task"] if comparison.foreign else []),
            *(
                [f"{plural(len(comparison.deleted), 'dead letter')} whose task is gone, like {comparison.deleted[0]}"]
                if comparison.deleted
                else []
            ),
        ]
        yield Finding(
            CHECK,
            Level.WARNING,
            f"{', '.join(kinds)}.",
            f"See them with {command_on(stage.target, 'dlq peek')}, or move all dead letters into a file with:"
            f" {command_on(stage.target, 'dlq drain --to FILE.jsonl')}",
        )


def _without_letter(stage: Stage, tasks: list[FailedTask]) -> Finding:
    expired = sum(task.failed_at < now() - LETTER_LIFE for task in tasks)
    reasons = [
        *([f"{expired:,} expired after 14 days"] if expired else []),
        *([f"{len(tasks) - expired:,} drained"] if expired < len(tasks) else []),
    ]
    return Finding(
        CHECK,
        Level.NOTE,
        f"{plural(len(tasks), 'failed task')} without a dead letter, like {tasks[0].task_id}: {', '.join(reasons)}.",
        f"A redrive works without it. Send the dead letters again with: {command_on(stage.target, 'doctor --fix')}",
        lambda: _send_letters(stage, [task.task_id for task in tasks]),
    )


def _send_letters(stage: Stage, task_ids: list[str]) -> str:
    sent = 0
    with translate_aws_errors():
        for task in stage.store.get_many(task_ids):
            if task.status is Status.FAILED and task.removal is None:
                stage.dead_letters.send(encode_message(task.message), letter_attributes(task))
                sent += 1
    return f"sent {plural(sent, 'dead letter')} again"
