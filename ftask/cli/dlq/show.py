"""`ftask dlq show`: everything about one failed task."""

from __future__ import annotations

from contextlib import closing

from ftask.actions.peek import PeekedLetter
from ftask.actions.peek import peek as peek_letters
from ftask.aws.stack import command_on
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import TaskId
from ftask.client.errors import UnknownTaskError
from ftask.core.codec import task_to_json
from ftask.core.model import Status, Task
from ftask.core.timestamps import now
from ftask.ops.logs import EventFilter, LogReader, log_groups
from ftask.render.dead_letters import shown

# With more letters in the queue, finding one of them takes too many requests.
MAX_LETTERS_TO_SEARCH = 1000


def show(run: Invocation, task_id: TaskId) -> None:
    """Show everything about one failed task: payload, attempts, dead letter, and what its attempts logged.

    Examples:
        ftask dlq show ID
    """
    task_id = run.task_id(task_id)
    task = run.stage.task(task_id)
    if task is None:
        raise UnknownTaskError(task_id)
    letter = _find_letter(run, task)
    groups = log_groups(run.outputs, ("worker",))
    events = list(LogReader(run.target, groups, EventFilter(task_id=task_id), task.created_at).look())
    task_value, letter_value = task_to_json(task), letter.json() if letter else None
    if task.removal is not None:
        task_value["removal"]["by"] = task.removal.by
    run.screen.result(
        {"task": task_value, "deadLetter": letter_value, "log": [event.json() for event in events]},
        lambda: shown(task_value, letter_value, events, now()),
    )
    if task.status is Status.FAILED:
        verbs = ["redrive", "discard"] if task.removal is None else ["redrive"]
        shown_id = run.shown_ids([task_id])[task_id]
        run.screen.next_steps([command_on(run.target, f"dlq {verb} --task {shown_id}") for verb in verbs])


def _find_letter(run: Invocation, task: Task) -> PeekedLetter | None:
    # Closed at once, so that the letters are visible again.
    with closing(peek_letters(run.stage, MAX_LETTERS_TO_SEARCH)) as letters:
        for letter in run.screen.spinning(letters, "looking for the dead letter"):
            if letter.message == task.message:
                return letter
    return None
