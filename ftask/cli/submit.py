"""`ftask submit`: submit tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from ftask.aws.api import ApiClient
from ftask.cli.exit_codes import ExitCode
from ftask.cli.following import follow, how_many, how_to_follow, show_summary
from ftask.cli.input_tasks import Sources, read_tasks
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import Timeout, require_wait
from ftask.cli.task_arguments import as_json, split_type
from ftask.cli.usage import UsageError
from ftask.core.errors import FtaskError, PayloadError
from ftask.core.submission import derive_task_id
from ftask.core.text import plural
from ftask.ops.ledger import Ledger, NotALedgerError, ledger_path
from ftask.ops.rejected import Rejected, rejected_spool, write_rejected
from ftask.ops.spool import Spool
from ftask.ops.submit import InputTask, Outcomes, Repeated, Submitted, submit_tasks
from ftask.render.tasks import accepted, outcome

_REMEMBERED_IDS = 100


def submit(
    run: Invocation,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TYPE] [KEY=VALUE]...",
            help="Type of the task, and its arguments: key=value for a text, key:=json for any JSON value.",
        ),
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help='Submit {"message": TEXT} for the experiment.', metavar="TEXT")
    ] = None,
    payload: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="Submit this JSON object; @FILE reads a file, - reads stdin."),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            "-f",
            metavar="FILE",
            help='Submit one task per line: a payload, or {"type": …, "payload": …}; - reads stdin.',
        ),
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Submit the task this many times.")] = 1,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: submitting again with the same key makes no second task.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Submit every line of --file, also those that were accepted before.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait until the tasks end; exit code 3 if one fails.")
    ] = False,
    timeout: Timeout = None,
) -> ExitCode:
    """Submit tasks: TYPE and its arguments, or a payload from --payload, --file or stdin.

    Without TYPE, the stage's default type runs them.

    Accepted lines of a file are recorded next to it: run again, the command submits only the others.

    Examples:
        ftask submit greet name=Ada --wait
        ftask submit --payload '{"order": 18}' --key order-18
        ftask submit greet --file tasks.jsonl
    """
    require_wait(timeout, wait=wait)
    rejected = rejected_spool()
    sources = Sources(*split_type(words or ()), message, payload, file)
    tasks = Repeated(read_tasks(sources, run.screen.warn, rejected.append), count)
    total, set_aside = len(tasks), len(rejected)
    if key is not None and total != 1:
        raise UsageError(f"--key names one task, and this would submit {total:,}.", "Omit --key or --count.")
    if not total and not rejected:
        raise FtaskError("Nothing to submit: the input has no lines.")
    if key is not None:
        try:
            derive_task_id(key)
        except PayloadError as invalid:
            raise UsageError(f"--key {key!r}: {invalid.message}", invalid.hint) from None
        tasks = Repeated([replace(task, key=key) for task in tasks])
    client = run.api
    submitted = Submitted.on_disk()
    path = None if file in (None, "-") else Path(str(file))
    if path is None:
        run.if_interrupted = lambda: _after_interruption(run, submitted, total)
        error = _send(run, client, tasks, total, submitted.add)
    else:
        record = ledger_path(path, run.stage_name)
        if fresh:
            record.unlink(missing_ok=True)
        with _open_ledger(record) as ledger:
            total -= _count_known(run, ledger, tasks)
            run.if_interrupted = lambda: _after_interruption(run, submitted, total, record)
            left = (task for task in ledger.keyed(tasks) if not ledger.has(task))

            def note(outcomes: Outcomes) -> None:
                ledger.note(outcomes)
                submitted.add(outcomes)

            error = _send(run, client, left, total, note)
        if error is None:
            for refused in submitted.refused:
                rejected.append(refused)
            write_rejected(path, rejected)
    single = file is None and total == 1
    if not single:
        run.screen.note(f"Accepted {len(submitted.accepted):,} of {plural(total + set_aside, 'task')}.")
    code = _show(run, submitted, wait=wait, timeout=timeout, single=single)
    _raise_errors(error, submitted, rejected, path, sources.arguments)
    return code


def _open_ledger(path: Path) -> Ledger:
    try:
        return Ledger(path)
    except NotALedgerError as error:
        raise UsageError(error.message, error.hint) from error


def _count_known(run: Invocation, ledger: Ledger, tasks: Iterable[InputTask]) -> int:
    known = ledger.known(tasks)
    if known:
        skipped = plural(known, "task")
        run.screen.note(f"Skipped {skipped} accepted before, recorded in {ledger.path} (--fresh submits them again).")
    return known


def _after_interruption(run: Invocation, submitted: Submitted, total: int, record: Path | None = None) -> str:
    """Say how many tasks were accepted, and how to follow them; `record` has those of this run and of earlier ones."""
    ids = (accepted.task_id for accepted in submitted.accepted)
    lines = [how_many("Accepted", len(submitted.accepted), total), how_to_follow(run, ids, record)]
    if record is not None and len(submitted.accepted) < total:
        lines.append("Run the command again to submit the others: no task is submitted twice.")
    return "\n".join(filter(None, lines))


def _send(
    run: Invocation, client: ApiClient, tasks: Iterable[InputTask], total: int, note: Callable[[Outcomes], None]
) -> FtaskError | None:
    """Submit the tasks with a progress bar; return the error of a request that failed as a whole."""
    try:
        with closing(submit_tasks(client, tasks, late=note)) as batches:
            for outcomes in run.screen.counting(batches, total, "submitting", size=len):
                note(outcomes)
    except FtaskError as error:
        return error
    return None


def _show(run: Invocation, submitted: Submitted, *, wait: bool, timeout: float | None, single: bool) -> ExitCode:
    screen = run.screen
    # The next command takes their first digits at once.
    shown = run.shown_ids(accepted.task_id for accepted in islice(submitted.accepted, _REMEMBERED_IDS))
    if wait and len(submitted.accepted):
        ids = (accepted.task_id for accepted in submitted.accepted)
        followed = follow(run, ids, timeout, result_follows=True)
        last = followed.watcher.last_changed
        if screen.json and single:
            screen.result(next(iter(followed.task_documents(run.stage))), lambda: "")
        elif screen.json:
            screen.results((document, "") for document in followed.task_documents(run.stage))
        elif last is not None and len(followed.watcher.tasks) == 1:
            screen.result(None, partial(outcome, last, shown[last.task_id]))
        else:
            show_summary(run, followed)
        return followed.code
    if single:
        for accepted in submitted.accepted:
            screen.result(accepted.json(), partial(_draw_accepted, shown[accepted.task_id], accepted.status))
    else:
        screen.results((accepted.json(), accepted.task_id) for accepted in submitted.accepted)
    return ExitCode.DONE


def _draw_accepted(task_id: str, status: str) -> Any:
    return accepted(task_id, status)


def _raise_errors(
    error: FtaskError | None,
    submitted: Submitted,
    rejected: Spool[Rejected],
    path: Path | None,
    arguments: Iterable[str],
) -> None:
    """Report what was not accepted: the request that failed, else the lines, else the task."""
    error = error or submitted.first_unavailable
    if error is not None and path is not None:
        raise FtaskError(
            error.message, f"{error.hint or ''}\nRun the command again: no task is submitted twice.".strip()
        )
    if error is not None:
        raise error
    first = rejected.first
    if first is not None:
        raise FtaskError(
            f"{plural(len(rejected), 'line')} of {path} rejected. Line {first.line}: {first.reason}",
            f"All rejected lines are in {path}.rejected with their reasons.",
        )
    if (refusal := submitted.first_refusal) is not None:
        raise UsageError(refusal.message, as_json(refusal.message, arguments) or refusal.hint)
