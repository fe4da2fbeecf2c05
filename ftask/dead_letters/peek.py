"""A look at the dead-letter queue that takes nothing out of it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.codec import MalformedMessageError, UnknownVersionError, decode_message
from ftask.core.letters import LetterState, judge
from ftask.core.model import DeadLetter, Message
from ftask.core.sqs import MAX_BATCH, SqsDeadLetterReader
from ftask.core.timestamps import to_iso


@dataclass(frozen=True, slots=True)
class PeekedLetter:
    """A dead letter and the task message in it; `reason` says why it holds no task.

    `state` is what the letter says of its task now; None if nobody has looked.
    """

    letter: DeadLetter
    message: Message | None
    reason: str | None
    state: LetterState | None = None

    def json(self) -> dict[str, Any]:
        sent_at = self.letter.sent_at
        return {
            "messageId": self.letter.message_id,
            "taskId": self.message.task_id if self.message else None,
            "epoch": self.message.epoch if self.message else None,
            "notATask": self.reason,
            "state": None if self.state is None else str(self.state),
            "sentAt": to_iso(sent_at) if sent_at else None,
            "attributes": dict(sorted(self.letter.attributes.items())),
            "body": self.letter.body,
        }


def peek(
    stage: Stage, limit: int, *, hold_seconds: int | None = None, reader: SqsDeadLetterReader | None = None
) -> Generator[PeekedLetter]:
    """Yield up to `limit` letters, each once; all are visible again when this ends, however it ends.

    Meanwhile they are hidden for `hold_seconds` each (default: the reader's). Letters that are visible again before
    the last one was read are read twice. Another `reader` looks into another queue.
    """
    reader = reader or stage.dead_letter_reader
    held: list[str] = []
    seen: set[str] = set()
    try:
        while len(seen) < limit:
            with translate_aws_errors():
                letters = reader.receive(min(MAX_BATCH, limit - len(seen)), hold_seconds)
            held += [letter.receipt_handle for letter in letters]
            fresh = [letter for letter in letters if letter.message_id not in seen]
            if not fresh:
                return
            for letter in fresh:
                seen.add(letter.message_id)
                yield _decoded(letter)
    finally:
        with translate_aws_errors():
            reader.release(held)


def judged(stage: Stage, letters: Sequence[PeekedLetter]) -> list[PeekedLetter]:
    """Return the letters with their states, as a redrive or a drain would judge them now."""
    ids = [peeked.message.task_id for peeked in letters if peeked.message is not None]
    with translate_aws_errors():
        tasks = {task.task_id: task for task in stage.store.get_many(ids)}
    return [
        replace(peeked, state=judge(peeked.message, tasks.get(peeked.message.task_id) if peeked.message else None))
        for peeked in letters
    ]


def _decoded(letter: DeadLetter) -> PeekedLetter:
    try:
        return PeekedLetter(letter, decode_message(letter.body), None)
    except (MalformedMessageError, UnknownVersionError) as error:
        return PeekedLetter(letter, None, str(error))
