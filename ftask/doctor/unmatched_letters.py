"""Dead letters without a failed task, and failed tasks without a dead letter.

Where there are as many of one as of the other, no letter is read: that takes 0.2 requests to SQS per letter, and hides
the letter from a redrive meanwhile. A letter that must have expired is missed all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from ftask.actions.peek import peek
from ftask.actions.redrive import delete_stale
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.core.codec import encode_message
from ftask.core.execution import letter_attributes
from ftask.core.failed_index import FailedTask
from ftask.core.letters import Verdict
from ftask.core.model import Status
from ftask.core.sqs import MAX_BATCH, SqsDeadLetterReader
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.doctor.finding import Finding, Level
from ftask.selection.failed import failures

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
    count = len(failed)
    has_expired = any(task.failed_at < now() - LETTER_LIFE for task in failed.values())
    if depth.total == count and not has_expired:
        yield Finding(CHECK, Level.OK, f"{plural(count, 'failed task')}, one dead letter for each")
        return
    if max(depth.total, count) > MOST_LETTERS:
        yield Finding(
            CHECK,
            Level.NOTE,
            f"{plural(count, 'failed task')}, {plural(depth.total, 'dead letter')}: too many to compare.",
            f"Group them by kind of error with: {command_on(stage.target, 'dlq ls')}",
        )
        return
    verdicts: Counter[Verdict] = Counter()
    deleted: list[str] = []
    for peeked in peek(stage, MOST_LETTERS, hold_seconds=_hold_seconds(depth.total)):
        # One that is about to fail is UNSETTLED, and one that has just failed CURRENT: both are as they should be.
        verdicts[peeked.verdict] += 1
        if peeked.message is not None and peeked.verdict is Verdict.CURRENT:
            failed.pop(peeked.message.task_id, None)
        elif peeked.message is not None and peeked.verdict is Verdict.UNKNOWN:
            deleted.append(peeked.message.task_id)
    findings = [*_stale(stage, verdicts[Verdict.STALE]), *_unknown(stage, verdicts[Verdict.UNKNOWN], deleted)]
    if depth.in_flight and (findings or failed):
        # It may hold the very letters that seem to be missing.
        yield Finding(
            CHECK,
            Level.NOTE,
            f"Another reader (redrive, drain, peek or doctor) holds {plural(depth.in_flight, 'dead letter')}: not all"
            " could be compared with the failed tasks.",
            "Run the command again when it has ended.",
        )
    elif failed:
        findings.append(_without_letter(stage, list(failed.values())))
    yield from findings
    if not findings and not failed:
        yield Finding(CHECK, Level.OK, f"{plural(count, 'failed task')}, each with a dead letter")


def _hold_seconds(letters: int) -> int:
    """Return how long to hide letters so that none comes back before all are read: a second for each request."""
    return SqsDeadLetterReader.VISIBILITY_SECONDS + letters // MAX_BATCH


def _stale(stage: Stage, count: int) -> Iterator[Finding]:
    if count:
        yield Finding(
            CHECK,
            Level.NOTE,
            f"{plural(count, 'stale dead letter')}: their tasks were redriven, removed or ended since.",
            f"The next redrive, discard or drain deletes them; so does: {command_on(stage.target, 'doctor --fix')}",
            lambda: f"deleted {plural(delete_stale(stage, _hold_seconds(MOST_LETTERS)), 'stale letter')}",
        )


def _unknown(stage: Stage, count: int, deleted: Sequence[str]) -> Iterator[Finding]:
    """Report letters without a task in the table; `deleted` are the tasks of those that had one."""
    if not count:
        return
    foreign = count - len(deleted)
    kinds = [
        *([f"{plural(foreign, 'dead letter')} not of a task"] if foreign else []),
        *([f"{plural(len(deleted), 'dead letter')} whose task is gone, like {deleted[0]}"] if deleted else []),
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
        *([f"{len(tasks) - expired:,} deleted"] if expired < len(tasks) else []),
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
