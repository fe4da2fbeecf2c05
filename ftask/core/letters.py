"""Dead letters: the verdict on one, and the loop that handles all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from ftask.core.codec import message_or_none
from ftask.core.model import DeadLetter, Message, Status, Task
from ftask.core.ports import DeadLetterReader, Store


class Verdict(StrEnum):
    """What a dead letter says of its task, and what a redrive, a discard or a drain did about it."""

    CURRENT = "current"  # the task is FAILED in the letter's epoch: it waits for an operator
    DONE = "done"  # it did: the command has redriven, discarded or drained it; the letter is deleted
    # The task was redriven, discarded, drained or ended in another way since; the letter is deleted.
    STALE = "stale"
    SKIPPED = "skipped"  # the command does not select the task; the letter stays
    UNSETTLED = "unsettled"  # the worker has sent the letter and not yet written FAILED; the letter stays
    UNKNOWN = "unknown"  # not a task's letter, or the task is gone: the letter is the last trace, and stays
    UNSENT = "unsent"  # the queue did not take the message of a redrive; the letter stays

    @property
    def letter_done(self) -> bool:
        """Whether the letter has nothing left to do and is deleted."""
        return self in (Verdict.DONE, Verdict.STALE)


Verdicts = list[tuple[Message | None, Verdict]]
"""The verdict on each letter of a batch, with the message in it; None in one that is not of a task."""
Selected = Callable[[Task], bool]
"""Whether a failed task is among those that an operator selects."""


def judge(message: Message | None, task: Task | None, selected: Selected | None = None) -> Verdict:
    """Return the verdict on a letter: `message` is None if it has none, `task` if that is gone.

    A letter whose task is not `selected` is SKIPPED instead of CURRENT.
    """
    if message is None or task is None:
        return Verdict.UNKNOWN
    # The worker died after it had sent this letter; the task later ended in another way.
    ended_otherwise = task.status.terminal and task.status is not Status.FAILED
    if task.epoch > message.epoch or (task.epoch == message.epoch and ended_otherwise):
        return Verdict.STALE
    if task.epoch < message.epoch or task.status is not Status.FAILED:
        return Verdict.UNSETTLED
    if task.removal is not None:
        return Verdict.STALE
    return Verdict.CURRENT if selected is None or selected(task) else Verdict.SKIPPED


def look_up(store: Store, messages: Sequence[Message | None]) -> list[Task | None]:
    """Return the task of each message; None for one that is gone, and where there is no message.

    The read is consistent: one that is behind would show a task as FAILED that was redriven and has run since.
    """
    ids = [message.task_id for message in messages if message is not None]
    tasks = {task.task_id: task for task in store.get_many(ids, consistent=True)}
    return [None if message is None else tasks.get(message.task_id) for message in messages]


def batches(reader: DeadLetterReader, seen: set[str]) -> Iterator[Sequence[DeadLetter]]:
    """Yield batches of letters until the queue has none that is not in `seen`: letters that stayed come back."""
    while letters := [letter for letter in reader.receive() if letter.message_id not in seen]:
        seen |= {letter.message_id for letter in letters}
        yield letters


def handle_letters(
    reader: DeadLetterReader,
    act: Callable[[Sequence[DeadLetter], Sequence[Message | None]], Sequence[Verdict]],
    seen: set[str] | None = None,
) -> Iterator[Verdicts]:
    """Let `act` handle each batch of letters, delete those that are done, and yield the verdicts.

    `seen` holds the ids of the letters that were read. Several threads may handle letters at once and share it.
    """
    for letters in batches(reader, set() if seen is None else seen):
        messages = [message_or_none(letter.body) for letter in letters]
        verdicts = act(letters, messages)
        reader.delete([letter for letter, verdict in zip(letters, verdicts, strict=True) if verdict.letter_done])
        yield list(zip(messages, verdicts, strict=True))
