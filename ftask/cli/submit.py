"""`ftask submit`: submit tasks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.following import Timeout, follow
from ftask.cli.invocation import Invocation, UsageError
from ftask.core.errors import FtaskError
from ftask.core.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ftask.aws.api import ApiClient
    from ftask.cli.payloads import Rejected, Submission
    from ftask.cli.submitting import Submitted
    from ftask.core.model import Task


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
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Submit every line of --file, also those that were accepted before.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Follow to the end; exit code 3 if a task fails.")] = False,
    timeout: Timeout = None,
) -> ExitCode:
    """Submit tasks. Without --message, --payload or --file, a JSON object is read from stdin.

    What has been accepted of a file is noted beside it: run again, the command goes on where it was.
    """
    from ftask.aws.api import ApiClient
    from ftask.cli.payloads import Rejected, read_payloads
    from ftask.cli.submitting import submit_all

    rejected: list[Rejected] = []
    payloads = read_payloads(message, payload, file, run.screen.warn, rejected.append) * count
    if key is not None and len(payloads) != 1:
        raise UsageError("--key names one task, and this would submit several.", "Leave --key or --count out.")
    if not payloads and not rejected:
        raise FtaskError("There is nothing to submit: the file has no task.")
    if key is not None:
        payloads = [replace(payloads[0], key=key)]
    client = ApiClient(run.target, run.outputs.api_url)
    if file is None or file == "-":
        done = submit_all(client, payloads, run.screen)
    else:
        done = _submit_file(run, client, Path(file), payloads, fresh=fresh)
        rejected += [Rejected(each.line, each.payload, error.message) for each, error in done.refused]
        _write_rejected(Path(file), rejected)
    code = _answer(run, done, wait=wait, timeout=timeout, single=file is None and len(payloads) == 1)
    _raise_errors(done, rejected, file)
    return code


def _submit_file(
    run: Invocation, client: ApiClient, file: Path, payloads: list[Submission], *, fresh: bool
) -> Submitted:
    """Submit what the ledger beside the file does not have yet."""
    from ftask.cli.ledger import Ledger
    from ftask.cli.submitting import submit_all

    path = file.with_name(f"{file.name}.{run.target.stage_name}.accepted")
    if fresh:
        path.unlink(missing_ok=True)
    with Ledger(path) as ledger:
        keyed = ledger.keyed(payloads)
        left = [submission for submission in keyed if not ledger.has(submission)]
        if len(left) < len(keyed):
            earlier = plural(len(keyed) - len(left), "task")
            run.screen.note(f"{earlier} of this file had been accepted before, as {path} says (--fresh submits anew).")
        run.if_interrupted = f"What was accepted is noted in {path}. Run the command again to go on."
        return submit_all(client, left, run.screen, ledger.note)


def _write_rejected(file: Path, rejected: list[Rejected]) -> None:
    path = file.with_name(f"{file.name}.rejected")
    if rejected:
        path.write_text("".join(json.dumps(each.json(), ensure_ascii=False) + "\n" for each in rejected))
    else:
        path.unlink(missing_ok=True)


def _answer(run: Invocation, done: Submitted, *, wait: bool, timeout: float | None, single: bool) -> ExitCode:
    """Show what was accepted, or how it ended."""
    from ftask.render import tasks as pictures

    screen = run.screen
    ids = [answer.task_id for answer in done.accepted]
    if not single:
        total = len(done.accepted) + len(done.refused) + len(done.failed)
        screen.note(f"Accepted {len(ids):,} of {plural(total, 'task')}.")
    run.if_interrupted = (
        "The tasks go on. Follow them with: ftask watch " + " ".join(ids[:3]) + (" …" if ids[3:] else "")
    )
    if wait and ids:
        code, seen = follow(run, ids, timeout, result_follows=True)
        final = [_public(task) for task in seen.values()]
        screen.result(final[0] if single else final, lambda: _ends(seen))
        return code
    answers = [answer.model_dump(by_alias=True) for answer in done.accepted]
    if single and answers:
        screen.result(answers[0], lambda: pictures.accepted(answers[0]["taskId"], answers[0]["status"]))
    elif answers or (screen.json and not single):
        screen.result(answers, lambda: "\n".join(ids))
    return ExitCode.DONE


def _raise_errors(done: Submitted, rejected: list[Rejected], file: str | None) -> None:
    """Say what was not accepted."""
    if done.failed:
        error = done.failed[0][1]
        hint = "Run the command again: nothing is submitted twice." if file not in (None, "-") else error.hint
        raise FtaskError(error.message, hint)
    if rejected:
        first = rejected[0]
        raise FtaskError(
            f"{plural(len(rejected), 'line')} of {file} rejected. Line {first.line}: {first.reason}",
            f"All are in {file}.rejected with their reasons.",
        )
    if done.refused:
        raise done.refused[0][1]


def _public(task: Task) -> dict[str, Any]:
    from ftask.core.codec import task_to_json

    return task_to_json(task)


def _ends(seen: Mapping[str, Task]) -> Any:
    from ftask.render import tasks as pictures

    tasks = list(seen.values())
    return pictures.outcome(tasks[0]) if len(tasks) == 1 else pictures.totals(tasks)
