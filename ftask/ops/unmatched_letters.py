"""Dead letters without a failed task, and failed tasks without a dead letter: found by comparing all of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.core.codec import encode_message
from ftask.core.execution import letter_attributes
from ftask.core.model import Message, Status
from ftask.core.redrive import RedriveOutcome
from ftask.core.text import plural
from ftask.dead_letters.peek import peek
from ftask.dead_letters.selection import failures
from ftask.ops.finding import Finding, Level

CHECK = "dead letters"
# More letters or failed tasks than this are only counted.
MOST_LETTERS = 10_000


def check_letters(stage: Stage) -> Iterator[Finding]:
    """Report what does not match, each with its repair."""
    epochs = {task.task_id: task.epoch for task in failures(stage)}
    letters = stage.dead_letter_depth().total
    if max(letters, len(epochs)) > MOST_LETTERS:
        yield Finding(
            CHECK,
            Level.NOTE,
            f"{plural(len(epochs), 'failed task')}, {plural(letters, 'dead letter')}: too many to compare.",
            f"Group them by kind of error with: {command_on(stage.target, 'dlq ls')}",
        )
        return
    stale = foreign = gone = 0
    with_letter = set()
    for peeked in peek(stage, MOST_LETTERS):
        message = peeked.message
        if message is None:
            foreign += 1
        elif epochs.get(message.task_id) == message.epoch:
            with_letter.add(message.task_id)
        elif stage.task(message.task_id) is None:
            gone += 1
        else:
            stale += 1
    without_letter = [task_id for task_id in epochs if task_id not in with_letter]
    fix = command_on(stage.target, "doctor --fix")
    if stale:
        yield Finding(
            CHECK,
            Level.NOTE,
            f"{plural(stale, 'dead letter')} of tasks that have moved on: left by an interrupted redrive.",
            f"The next redrive discards them. Do so now with: {fix}",
            lambda: _discard_stale(stage),
        )
    if foreign or gone:
        kinds = [
            *([f"{plural(foreign, 'dead letter')} not of a task"] if foreign else []),
            *([f"{plural(gone, 'dead letter')} whose task is gone"] if gone else []),
        ]
        yield Finding(
            CHECK,
            Level.WARNING,
            f"{', '.join(kinds)}.",
            f"See them with {command_on(stage.target, 'dlq peek')}, or move all dead letters into a file with:"
            f" {command_on(stage.target, 'dlq drain --to FILE.jsonl')}",
        )
    if without_letter:
        yield Finding(
            CHECK,
            Level.NOTE,
            f"{plural(len(without_letter), 'failed task')} without a dead letter, like {without_letter[0]}: drained, or"
            " expired.",
            f"A redrive works without it. Send the dead letters again with: {fix}",
            lambda: _send_letters(stage, without_letter),
        )
    if not (stale or foreign or gone or without_letter):
        yield Finding(CHECK, Level.OK, f"{plural(len(epochs), 'failed task')}, none without a dead letter")


def _discard_stale(stage: Stage) -> str:
    with translate_aws_errors():
        outcomes = Counter(
            outcome
            for batch in stage.redriver.redrive_letters(stage.dead_letter_reader, lambda _: False)
            for _, outcome in batch
        )
    return f"discarded {plural(outcomes[RedriveOutcome.STALE], 'stale letter')}"


def _send_letters(stage: Stage, task_ids: list[str]) -> str:
    sent = 0
    with translate_aws_errors():
        for task in stage.store.get_many(task_ids):
            if task.status is Status.FAILED:
                message = encode_message(Message(task.task_id, task.epoch))
                stage.dead_letters.send(message, letter_attributes(task))
                sent += 1
    return f"sent {plural(sent, 'dead letter')} again"
