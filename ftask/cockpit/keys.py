"""The keys: what they do, and which of them apply to what is selected."""

from __future__ import annotations

from ftask.cockpit.board import Board
from ftask.cockpit.rows import GroupRow, Row, TaskRow
from ftask.core.model import Status

# Key, and what it does, on the line of keys.
Key = tuple[str, str]

HELP: tuple[Key, ...] = (
    ("↑ ↓", "select a kind of error or a task; PgUp, PgDn, Home and End too"),
    (
        "Enter",
        "open it: a task with its attempts and its traceback, a kind of error with its newest example and its tasks",
    ),
    ("r", "redrive it: run the failed tasks again; asks first"),
    ("c", "cancel the task: no further attempt begins; asks first"),
    ("/", "filter by a text in the error, the type or the id, or open any task by its id; Esc shows all"),
    ("p", "pause the view, so that nothing moves; tasks go on (ftask pause stops the worker)"),
    ("Esc", "back"),
    ("q", "quit; Ctrl-C too"),
)


def board_keys(board: Board, row: Row | None) -> list[Key]:
    """Return the keys of the main view that apply to the selected row."""
    keys: list[Key] = []
    if isinstance(row, GroupRow):
        keys = [("Enter", "open"), ("r", "redrive")]
    elif isinstance(row, TaskRow):
        keys = [("Enter", "open"), ("r", "redrive") if row.failure.final else ("c", "cancel")]
    return [
        *keys,
        ("/", "filter"),
        *([("Esc", "show all")] if board.filter else []),
        ("p", "go on" if board.paused else "pause view"),
        ("?", "help"),
        ("q", "quit"),
    ]


def task_keys(status: Status) -> list[Key]:
    """Return the keys of an open task in this state."""
    keys: list[Key] = []
    if status is Status.FAILED:
        keys = [("r", "redrive")]
    elif not status.terminal:
        keys = [("c", "cancel")]
    return [*keys, ("↑ ↓", "scroll"), ("Esc", "back"), ("?", "help"), ("q", "quit")]


def group_keys(has_tasks: bool) -> list[Key]:
    """Return the keys of an open kind of error."""
    tasks: list[Key] = [("Enter", "open task"), ("r", "redrive all")] if has_tasks else []
    return [*tasks, ("Tab", "example"), ("Esc", "back"), ("?", "help"), ("q", "quit")]
