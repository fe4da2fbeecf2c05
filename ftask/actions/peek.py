"""A look at the dead-letter queue that takes nothing out of it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from ftask.actions.reading import holding
from ftask.aws.stage import Stage
from ftask.core.codec import MalformedMessageError, UnknownVersionError, decode_message, message_or_none
from ftask.core.letters import Verdict, batches, judge, look_up
from ftask.core.model import DeadLetter, Message
from ftask.core.sqs import SqsDeadLetterReader
from ftask.core.timestamps import to_iso


@dataclass(frozen=True, slots=True)
class PeekedLetter:
    """A dead letter, the task message in it (None: it has none), and the verdict on it."""

    letter: DeadLetter
    message: Message | None
    verdict: Verdict

    @property
    def reason(self) -> str | None:
        """Why the letter holds no task; None if it does."""
        try:
            decode_message(self.letter.body)
        except (MalformedMessageError, UnknownVersionError) as error:
            return str(error)
        return None

    def json(self) -> dict[str, Any]:
        sent_at = self.letter.sent_at
        return {
            "messageId": self.letter.message_id,
            "taskId": self.message.task_id if self.message else None,
            "epoch": self.message.epoch if self.message else None,
            "notATask": self.reason,
            "state": str(self.verdict),
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
    left = limit
    with holding(stage, hold_seconds, reader) as held:
        for letters in batches(held, set()):
            messages = [message_or_none(letter.body) for letter in letters]
            tasks = look_up(stage.store, messages)
            for letter, message, task in zip(letters, messages, tasks, strict=True):
                yield PeekedLetter(letter, message, judge(message, task))
                left -= 1
                if not left:
                    return
