"""Options that several commands have: ids of tasks, filters, confirmation, waiting; and what the shell completes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, TypeVar

import typer

from ftask.cli.label_options import parse_tags
from ftask.cli.options import GlobalOptions
from ftask.cli.usage import InvalidOptionError, UsageError, parse_when
from ftask.core.model import Status
from ftask.home.cache import recent_ids
from ftask.selection.filter import TaskFilter

T = TypeVar("T", str, list[str] | None, str | None)
_MOST_COMPLETED_IDS = 20


def words(values: Iterable[str]) -> Callable[[], list[str]]:
    """Return what the shell calls to complete one of these values."""
    return lambda: list(values)


def _recent_ids(context: typer.Context, incomplete: str) -> list[str]:
    options = context.obj
    stage = options.stage if isinstance(options, GlobalOptions) else GlobalOptions().stage
    return [task_id for task_id in recent_ids(stage.value) if task_id.startswith(incomplete)][:_MOST_COMPLETED_IDS]


def require_id(value: T) -> T:
    """Return the id of a task, or the ids, unless one is empty: a script's variable that is not set.

    Raises:
        typer.BadParameter: one is empty.
    """
    ids = [value] if isinstance(value, str) else value or []
    if not all(task_id.strip() for task_id in ids):
        raise typer.BadParameter("The id of the task is empty. See the ids with: ftask ls")
    return value


def _ids(help_text: str, metavar: str = "ID") -> Any:
    return {"callback": require_id, "autocompletion": _recent_ids, "metavar": metavar, "help": help_text}


def _time(option: str, what: str) -> Any:
    return typer.Option(
        option, metavar="WHEN", help=f"Only {what}: a duration like 30m or a time like 2026-11-24T09:00Z."
    )


TaskId = Annotated[str, typer.Argument(**_ids("Id of the task, or the first digits of it."))]
TaskIds = Annotated[
    list[str] | None,
    typer.Argument(
        **_ids("Ids of the tasks, or the first digits of each; - reads them from stdin, one per line.", "[ID]...")
    ),
]
OnlyTask = Annotated[str | None, typer.Option("--task", **_ids("Only this task."))]
OnlyTasks = Annotated[list[str] | None, typer.Option("--task", **_ids("Only this task; may be repeated."))]
ErrorText = Annotated[
    str | None,
    typer.Option(
        "--error", metavar="TEXT", help="Only those whose error type or message has this text, in upper or lower case."
    ),
]
TaskType = Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Only tasks of this type.")]
OnlyTags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="KEY=VALUE", help="Only tasks with this tag; may be repeated."),
]
CreatedSince = Annotated[str | None, _time("--since", "tasks created at this time or later")]
CreatedUntil = Annotated[str | None, _time("--until", "tasks created at this time or earlier")]
FailedSince = Annotated[str | None, _time("--since", "tasks that failed at this time or later")]
FailedUntil = Annotated[str | None, _time("--until", "tasks that failed at this time or earlier")]
ListedSince = Annotated[
    str | None, _time("--since", "tasks created (with --status FAILED: that failed) at this time or later")
]
ListedUntil = Annotated[
    str | None, _time("--until", "tasks created (with --status FAILED: that failed) at this time or earlier")
]
LoggedUntil = Annotated[str | None, _time("--until", "events logged at this time or earlier")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Count and sample the tasks; change nothing.")]
Wait = Annotated[bool, typer.Option("--wait", "-w", help="Wait until the tasks end; exit code 3 if one fails.")]
Timeout = Annotated[
    float | None, typer.Option(min=0, metavar="SECONDS", help="Stop waiting after this long; exit code 4.")
]


def require_wait(timeout: float | None, *, wait: bool) -> None:
    """Refuse a timeout without a wait."""
    if timeout is not None and not wait:
        raise UsageError("--timeout has no effect without --wait.", "Add --wait, or remove --timeout.")


def parse_filter(
    error: str | None,
    since: str | None,
    until: str | None,
    task_type: str | None,
    tags: Sequence[str] | None = None,
    *,
    statuses: Sequence[Status] = (),
    task_ids: Sequence[str] = (),
) -> TaskFilter:
    """Return the filter that these options describe."""
    first, last = parse_when(since, "--since"), parse_when(until, "--until")
    if first and last and first > last:
        raise InvalidOptionError("--until", str(until), f"a time after --since {since}")
    return TaskFilter(
        error or None,
        first,
        last,
        task_type,
        tuple(statuses),
        frozenset(task_ids),
        tags=parse_tags(tags or ()),
    )
