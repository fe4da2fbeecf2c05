"""`ftask dlq show`: everything about one failed task."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from ftask.cli.invocation import Invocation

if TYPE_CHECKING:
    from ftask.aws.stage import Stage
    from ftask.core.model import Task
    from ftask.dead_letters.peek import Peeked
    from ftask.ops.logs import Event


# Beyond so many letters, looking for one of them costs more than it tells.
MOST_LETTERS_TO_SEARCH = 1000


def show(run: Invocation, task_id: Annotated[str, typer.Argument(metavar="ID", help="The task's id.")]) -> None:
    """Show everything about one failed task: payload, attempts, dead letter, what its attempts logged."""
    from ftask.aws.api import UnknownTaskError
    from ftask.core.codec import task_to_json
    from ftask.ops.logs import EventFilter, LogReader, groups_of
    from ftask.render import failures as pictures
    from ftask.render.logs import event_json, event_text

    stage = run.stage
    task = stage.task(task_id)
    if task is None:
        raise UnknownTaskError(task_id)
    letter = _letter_of(run, stage, task)
    events: list[Event] = LogReader(
        run.target, groups_of(run.outputs, ("worker",)), EventFilter(task_id=task_id), task.created_at
    ).look()
    public = task_to_json(task)
    found = letter.json() if letter else None
    value = {"task": public, "deadLetter": found, "log": [event_json(event) for event in events]}
    run.screen.result(value, lambda: pictures.shown(public, found, [event_text(event) for event in events]))


def _letter_of(run: Invocation, stage: Stage, task: Task) -> Peeked | None:
    from ftask.dead_letters.peek import peek as peek_letters

    # Closed as soon as it is found, so that the letters are visible again.
    with closing(peek_letters(stage, MOST_LETTERS_TO_SEARCH)) as letters:
        for letter in run.screen.spinning(letters, "looking for the dead letter"):
            if (letter.task_id, letter.epoch) == (task.task_id, task.epoch):
                return letter
    return None
