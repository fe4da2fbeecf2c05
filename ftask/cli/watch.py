"""`ftask watch`: follow tasks to their end."""

from __future__ import annotations

import sys

from ftask.cli.exit_codes import ExitCode
from ftask.cli.following import follow, how_to_follow, job_of, show_summary
from ftask.cli.invocation import Invocation
from ftask.cli.piped_ids import STDIN, read_ids
from ftask.cli.selecting import TaskIds, Timeout
from ftask.cli.usage import UsageError
from ftask.core.errors import FtaskError


def watch(
    run: Invocation,
    task_ids: TaskIds = None,
    timeout: Timeout = None,
) -> ExitCode:
    """Follow tasks live until they end; exit code 3 if one fails, 4 after --timeout.

    Stdin has ids, as another command prints them, or is the record of accepted tasks that submit --file keeps.

    Examples:
        ftask watch ID --timeout 60
        ftask submit -m hello -n 50 | ftask watch
        ftask watch < tasks.jsonl.local.accepted
    """
    is_piped = not task_ids or STDIN in task_ids
    if is_piped:
        if sys.stdin.isatty():
            raise UsageError("Nothing to watch: give the id of a task, or pipe in ids, one per line.")
        task_ids = read_ids()
        if not task_ids:
            raise FtaskError("Nothing to watch: stdin has no ids.")
    ids = run.task_ids(task_ids or ())
    run.if_interrupted = "The tasks go on. Run the command again to follow them."
    if not is_piped:
        run.if_interrupted = lambda: how_to_follow(run, ids)
    followed = follow(run, job_of(ids), timeout, result_follows=False)
    if followed.is_many and not run.screen.json:
        show_summary(run, followed)
    return followed.code
