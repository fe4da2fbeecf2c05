"""Drain and discard: dead letters leave the queue, and their tasks the list of failed tasks.

A drain writes each letter down first; a discard writes none. The task is removed from the list next, and the letter is
deleted last. So both can be interrupted anywhere, run again, and run twice at once: a letter that is left is stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ftask.core.letters import Selected, Verdict, Verdicts, handle_letters, judge, look_up
from ftask.core.model import DeadLetter, Message, Removal, Task
from ftask.core.ports import DeadLetterReader, Store

Write = Callable[[Sequence[tuple[DeadLetter, Task | None]]], None]
"""Keeps letters, each with its task (None: not of a task, or the task is gone)."""


def drain_letters(
    store: Store,
    reader: DeadLetterReader,
    write: Write,
    removal: Callable[[], Removal] | None,
    seen: set[str] | None = None,
    selected: Selected | None = None,
) -> Iterator[Verdicts]:
    """Drain the letters of the `selected` tasks; yield the verdicts on each batch of letters.

    `removal` returns what removes a task from the list of failed tasks now; None leaves the tasks on it. `selected` is
    None for all letters, also those that are not of a task. A stale letter is only deleted: written down, it would be
    submitted again although its task has moved on. When `write` returns, the letters must be safe: they are deleted
    next. For `seen` see :func:`ftask.core.letters.handle_letters`.
    """
    drained = (Verdict.CURRENT, Verdict.UNKNOWN) if selected is None else (Verdict.CURRENT,)

    def act(letters: Sequence[DeadLetter], messages: Sequence[Message | None]) -> list[Verdict]:
        tasks = look_up(store, messages)
        verdicts = [judge(message, task, selected) for message, task in zip(messages, tasks, strict=True)]
        judged = list(zip(letters, tasks, verdicts, strict=True))
        write([(letter, task) for letter, task, verdict in judged if verdict in drained])
        return [remove(task) if verdict in drained else verdict for _, task, verdict in judged]

    def remove(task: Task | None) -> Verdict:
        if removal is None or task is None or store.remove(task.task_id, task.epoch, removal()):
            return Verdict.DONE
        return Verdict.STALE  # redriven since it was read

    return handle_letters(reader, act, seen)
