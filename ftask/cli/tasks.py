"""`ftask submit`, `get` and `watch`: tasks."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ftask.cli.command import command
from ftask.cli.exit_codes import ExitCode
from ftask.cli.following import follow
from ftask.cli.invocation import Invocation, UsageError
from ftask.core.errors import FtaskError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ftask.core.model import Task

Timeout = Annotated[
    float | None, typer.Option(min=0, metavar="SECONDS", help="Stop waiting after this long; exit code 4.")
]


def add_to(app: typer.Typer) -> None:
    command(app)(submit)
    command(app)(get)
    command(app)(watch)


def submit(
    run: Invocation,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help='Submit {"message": TEXT}.', metavar="TEXT")
    ] = None,
    payload: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Submit this JSON object; @FILE reads a file, - reads stdin."),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", metavar="FILE", help="Submit one JSON object a line; - reads stdin."),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Submit the same task so many times.")] = 1,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: the same key and payload are one task, however often.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Follow to the end; exit code 3 if a task fails.")] = False,
    timeout: Timeout = None,
) -> ExitCode:
    """Submit tasks. Without --message, --payload or --file, a JSON object is read from stdin."""
    from ftask.aws.api import ApiClient
    from ftask.cli.payloads import read_payloads
    from ftask.cli.submitting import submit_all
    from ftask.render import tasks as pictures

    payloads = read_payloads(message, payload, file, run.screen.warn) * count
    if key is not None and len(payloads) != 1:
        raise UsageError("--key names one task, and this would submit several.", "Leave --key or --count out.")
    if not payloads:
        raise FtaskError("There is nothing to submit: the file has no task.")
    if key is not None:
        payloads = [replace(payloads[0], key=key)]
    screen = run.screen
    client = ApiClient(run.target, run.outputs.api_url)
    result = submit_all(client, payloads, screen)
    ids = [answer.task_id for answer in result.accepted]
    run.if_interrupted = (
        "The tasks go on. Follow them with: ftask watch " + " ".join(ids[:3]) + (" …" if ids[3:] else "")
    )
    single = len(payloads) == 1
    if wait and ids:
        code, seen = follow(run, ids, timeout, result_follows=True)
        final = [_public(task) for task in seen.values()]
        screen.result(final[0] if single else final, lambda: _ends(seen))
    else:
        code = ExitCode.DONE
        answers = [answer.model_dump(by_alias=True) for answer in result.accepted]
        if single and answers:
            screen.result(answers[0], lambda: pictures.accepted(answers[0]["taskId"], answers[0]["status"]))
        elif answers or screen.json:
            screen.result(answers, lambda: "\n".join(ids))
    if not single:
        screen.note(f"Accepted {len(ids):,} of {len(payloads):,} tasks.")
    if result.error is not None:
        raise result.error
    return code


def get(run: Invocation, task_id: Annotated[str, typer.Argument(metavar="ID", help="The task's id.")]) -> None:
    """Show one task: its state, its payload, every attempt."""
    from ftask.aws.api import ApiClient
    from ftask.render.tasks import detail

    task = ApiClient(run.target, run.outputs.api_url).get(task_id)
    run.screen.result(task, lambda: detail(task))


def watch(
    run: Invocation,
    task_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="The tasks' ids; without any, read from stdin.")
    ] = None,
    timeout: Timeout = None,
) -> ExitCode:
    """Follow tasks live to their end; exit code 3 if one fails, 4 if the time runs out first."""
    if not task_ids:
        if sys.stdin.isatty():
            raise UsageError("Give the id of a task, or pipe ids in, one a line.")
        task_ids = sys.stdin.read().split()
        if not task_ids:
            raise FtaskError("There is nothing to watch: no id came in.")
    task_ids = list(dict.fromkeys(task_ids))
    run.if_interrupted = "The tasks go on; watching them again is always possible."
    code, _ = follow(run, task_ids, timeout, result_follows=False)
    return code


def _public(task: Task) -> dict[str, Any]:
    from ftask.core.codec import task_to_json

    return task_to_json(task)


def _ends(seen: Mapping[str, Task]) -> Any:
    from ftask.render import tasks as pictures

    tasks = list(seen.values())
    return pictures.outcome(tasks[0]) if len(tasks) == 1 else pictures.totals(tasks)
