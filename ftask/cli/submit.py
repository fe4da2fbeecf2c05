"""`ftask submit`: submit tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from ftask.cli.due_options import At, Delay, Timezone, due_options
from ftask.cli.exit_codes import ExitCode
from ftask.cli.following import follow, how_many, how_to_follow, show_summary
from ftask.cli.input_tasks import DUE_FIELDS, Sources, read_tasks
from ftask.cli.invocation import Invocation
from ftask.cli.label_options import Group, Tags, Unique, label_options
from ftask.cli.selecting import Timeout, require_wait
from ftask.cli.task_arguments import as_json, split_type
from ftask.cli.usage import UsageError
from ftask.core.errors import FtaskError, PayloadError
from ftask.core.submission import derive_task_id
from ftask.core.text import plural
from ftask.render.tasks import accepted, outcome
from ftask.submission.job import InputTask, Job, NotARecordError, record_path, rejected_path
from ftask.submission.sending import submit_tasks

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
    delay: Delay = None,
    at: At = None,
    timezone: Timezone = None,
    group: Group = None,
    unique: Unique = None,
    tags: Tags = None,
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
        ftask submit --payload '{"order": 18}' --key order-18 --delay 2h
        ftask submit greet --file tasks.jsonl
    """
    require_wait(timeout, wait=wait)
    if key is not None:
        _check_key(key)
    due = due_options(delay, at, timezone)
    labels = label_options(group, unique, tags, key)
    path = None if file in (None, "-") else Path(str(file))
    job = Job()
    sources = Sources(*split_type(words or ()), message, payload, file)
    tasks = read_tasks(sources, run.screen.warn, job.reject)
    # The key of a unique task says which tasks are the same; each is submitted under a new key.
    own_key = None if unique is not None else key
    job.add(
        task._replace(key=own_key or task.key, options=_options(task, due, labels))
        for task in tasks
        for _ in range(count)
    )
    if key is not None and job.total != 1:
        raise UsageError(f"--key names one task, and this would submit {job.total:,}.", "Omit --key or --count.")
    if not job.total and not job.rejected_count:
        raise FtaskError("Nothing to submit: the input has no lines.")
    to_send = job.total
    if path is not None:
        to_send -= _resume(run, job, record_path(path, run.stage_name), fresh=fresh)
    lines = to_send + job.rejected_count
    run.if_interrupted = lambda: _after_interruption(run, job, to_send)
    error = _send(run, job, to_send)
    if path is not None and error is None:
        job.write_rejected(rejected_path(path))
    single = file is None and to_send == 1
    if not single:
        run.screen.note(f"Accepted {job.accepted_count:,} of {plural(lines, 'task')}.")
    code = _show(run, job, wait=wait, timeout=timeout, single=single)
    _raise_errors(error, job, path, sources.arguments)
    return code


def _options(task: InputTask, due: Mapping[str, Any], labels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a task; what its line says wins over the command line, tag by tag."""
    options = {**labels, **({} if task.options.keys() & set(DUE_FIELDS) else due), **task.options}
    tags = {**labels.get("tags", {}), **task.options.get("tags", {})}
    return {**options, "tags": tags} if tags else options


def _check_key(key: str) -> None:
    try:
        derive_task_id(key)
    except PayloadError as invalid:
        raise UsageError(f"--key {key!r}: {invalid.message}", invalid.hint) from None


def _resume(run: Invocation, job: Job, record: Path, *, fresh: bool) -> int:
    """Return how many of the tasks an earlier run has had accepted, and say so."""
    if fresh:
        record.unlink(missing_ok=True)
    try:
        known = job.resume(record)
    except NotARecordError as error:
        raise UsageError(error.message, error.hint) from error
    if known:
        skipped = plural(known, "task")
        run.screen.note(f"Skipped {skipped} accepted before, recorded in {record} (--fresh submits them again).")
    return known


def _after_interruption(run: Invocation, job: Job, to_send: int) -> str:
    """Say how many tasks were accepted, and how to follow them; a record has those of this run and of earlier ones."""
    ids = (accepted.task_id for accepted in job.accepted())
    lines = [how_many("Accepted", job.accepted_count, to_send), how_to_follow(run, ids, job.record)]
    if job.record is not None and job.accepted_count < to_send:
        lines.append("Run the command again to submit the others: no task is submitted twice.")
    return "\n".join(filter(None, lines))


def _send(run: Invocation, job: Job, to_send: int) -> FtaskError | None:
    """Submit the tasks with a progress bar; return the error of a request that failed as a whole."""
    try:
        with closing(submit_tasks(run.api, job.to_send(), late=job.note)) as batches:
            for outcomes in run.screen.counting(batches, to_send, "submitting", size=len):
                job.note(outcomes)
    except FtaskError as error:
        return error
    return None


def _show(run: Invocation, job: Job, *, wait: bool, timeout: float | None, single: bool) -> ExitCode:
    """Show what was accepted or, with `wait`, how it and what earlier runs had accepted ended."""
    screen = run.screen
    # The next command takes their first digits at once.
    shown = run.shown_ids(answer.task_id for answer in islice(job.accepted(), _REMEMBERED_IDS))
    if wait:
        job.watch()
    if job.watched_count:
        followed = follow(run, job, timeout, result_follows=True)
        last = followed.watcher.last_changed
        if screen.json and single:
            screen.result(next(followed.task_documents(run.stage)), lambda: "")
        elif screen.json:
            screen.results((document, "") for document in followed.task_documents(run.stage))
        elif last is not None and job.watched_count == 1:
            screen.result(None, partial(outcome, last, run.shown_ids([last.task_id])[last.task_id]))
        else:
            show_summary(run, followed)
        return followed.code
    if single:
        for answer in job.accepted():
            screen.result(answer.json(), partial(accepted, shown[answer.task_id], answer.status))
    else:
        screen.results((answer.json(), answer.task_id) for answer in job.accepted())
    return ExitCode.DONE


def _raise_errors(error: FtaskError | None, job: Job, path: Path | None, arguments: Iterable[str]) -> None:
    """Report what was not accepted: the request that failed, else the lines, else the task."""
    error = error or job.first_unavailable
    if error is not None and path is not None:
        raise FtaskError(
            error.message, f"{error.hint or ''}\nRun the command again: no task is submitted twice.".strip()
        )
    if error is not None:
        raise error
    first = next(job.rejected(), None)
    if first is not None and path is not None:
        raise FtaskError(
            f"{plural(job.rejected_count, 'line')} of {path} rejected. Line {first.line}: {first.reason}",
            f"All rejected lines are in {rejected_path(path)} with their reasons.",
        )
    if (refusal := job.first_refusal) is not None:
        raise UsageError(refusal.message, as_json(refusal.message, arguments) or refusal.hint)
