"""Dead letters: what one says of its task now, and how the queue of them is read to its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from ftask.core.model import DeadLetter, Message, Status, Task
from ftask.core.ports import DeadLetterReader


class LetterState(StrEnum):
    """What a dead letter says of its task now."""

    CURRENT = "current"  # the task is FAILED in the letter's epoch: it waits for an operator
    # The task was redriven, discarded, drained or ended in another way since: the letter has nothing left to do.
    STALE = "stale"
    UNSETTLED = "unsettled"  # the worker has sent the letter and not yet written FAILED
    UNKNOWN = "unknown"  # not a task's letter, or the task is gone: the letter is the last trace


def judge(letter: Message | None, task: Task | None) -> LetterState:
    """Return the state of a letter. `letter` is the message in it, None if it has none; `task` None if it is gone."""
    if letter is None or task is None:
        return LetterState.UNKNOWN
    # The worker died after it had sent this letter; the task later ended in another way.
    ended_otherwise = task.status.terminal and task.status is not Status.FAILED
    if task.epoch > letter.epoch or (task.epoch == letter.epoch and ended_otherwise):
        return LetterState.STALE
    if task.epoch < letter.epoch or task.status is not Status.FAILED:
        return LetterState.UNSETTLED
    return LetterState.CURRENT if task.removal is None else LetterState.STALE


def batches(reader: DeadLetterReader, seen: set[str]) -> Iterator[Sequence[DeadLetter]]:
    """Yield batches of letters until the queue has none that is not in `seen`: letters that stayed come back."""
    while True:
        letters = [letter for letter in reader.receive() if letter.message_id not in seen]
        if not letters:
            return
        seen |= {letter.message_id for letter in letters}
        yield letters
