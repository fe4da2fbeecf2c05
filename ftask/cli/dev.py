"""`ftask dev`: the project's tasks on this machine, deployed again at each change, with their logs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from ftask.aws.concurrency import rounds
from ftask.aws.stage import Stage
from ftask.cli.config_file import load_config
from ftask.cli.deploying import confirm_other_project, deployment_of, remember_project
from ftask.cli.invocation import Invocation
from ftask.cli.logs import print_events
from ftask.cli.project import require_tasks
from ftask.cli.usage import UsageError
from ftask.core.errors import FtaskError
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.deploy.deployment import Deployment
from ftask.deploy.existing import carry_out_repair, find_existing
from ftask.deploy.plan import Plan, dropped_unless_begun, refuse_data_loss
from ftask.deploy.watching import FileWatch, deployment_files
from ftask.ops.consumption import while_no_attempt_runs
from ftask.ops.logs import EventFilter, LogReader, log_groups
from ftask.render.screen import say_error

# Between two looks at the files and at the logs.
_ROUND_SECONDS = 0.2
# Where a file has just changed: long enough for an editor to write the rest of it.
_SETTLING_SECONDS = 0.05
# After so long a wait for running attempts is mentioned.
_QUIET_SECONDS = 1.0
_NAMES_SHOWN = 4


def dev(run: Invocation) -> None:
    """Deploy the tasks to this machine, again at each change of a file, and show their logs until Ctrl-C.

    The new code takes over when no attempt runs. If it cannot be built or imported, the error is shown, and the
    deployed code stays. -o json prints each log event as a JSON line, as it was logged.

    Examples:
        ftask dev
    """
    if not run.settings.uses_engine:
        raise UsageError(
            f"ftask dev works on a local stage, on this machine; {run.stage_name!r} is another stage.",
            f"Deploy it with: ftask deploy --stage {run.stage_name}",
        )
    require_tasks(run.config)

    def files() -> Iterable[Path]:
        config = load_config()
        project = config.project(run.stage_name)
        return deployment_files(require_tasks(config)[0], project) if project is not None else ()

    run.if_interrupted = None
    session = _Session(run)
    watch = FileWatch(files)
    session.require_stage()
    session.deploy()
    run.screen.note(f"Watching {_names(watch.files)}. Ctrl-C ends.")
    for _ in rounds(lambda: _SETTLING_SECONDS if watch.is_settling else _ROUND_SECONDS):
        session.show_logs()
        if changed := watch.look():
            session.say(f"Changed: {_names(changed)}")
            session.deploy()


class _Session:
    """Deploys the project, and shows what the worker logs."""

    def __init__(self, run: Invocation) -> None:
        self._run = run
        self._started_at = now()
        self._logs: LogReader | None = None

    def require_stage(self) -> None:
        """Ask before the tasks of another project are replaced."""
        if (project := self._run.config.project(self._run.stage_name)) is not None:
            confirm_other_project(self._run, project)

    def deploy(self) -> None:
        """Deploy the project if it has changed; show the error if that fails."""
        try:
            self._deploy()
        except FtaskError as error:
            # Of an engine that has ended there is nothing to wait for.
            if self._run.advice(error) != error.hint:
                raise
            say_error(error.message, error.hint)
            self._run.screen.note("Waiting for the next change.")

    def _deploy(self) -> None:
        run, started = self._run, time.monotonic()
        config = load_config()
        require_tasks(config)
        project, configured = config.project(run.stage_name), config.stage(run.stage_name)
        deployment = deployment_of(run, project, configured.overrides(), config=config)
        deployment.build()
        before = find_existing(run.target)
        if before is not None:
            carry_out_repair(before)
        plan = deployment.plan()
        if plan.changes:
            deployed = before if not plan.creates_stack else None
            self._carry_out(deployment, plan, None if deployed is None else Stage(run.target, deployed))
        if project is not None:
            remember_project(run, project.root)
        self._logs = self._logs or LogReader(
            run.target, log_groups(run.outputs, ("worker",)), EventFilter(), self._started_at
        )
        seconds = f"{time.monotonic() - started:.1f} s"
        self.say(f"Deployed in {seconds}." if plan.changes else "Up to date: nothing to deploy.")
        deployment.require_worker()

    def say(self, text: str) -> None:
        """Write a remark with the time of day, which the lines of the logs have too."""
        self._run.screen.note(f"{time.strftime('%H:%M:%S')}  {text}")

    def _carry_out(self, deployment: Deployment, plan: Plan, stage: Stage | None) -> None:
        """Run the plan while no attempt runs on `stage`, because a code update kills those on the local engine."""
        with ExitStack() as pause:
            with dropped_unless_begun(deployment.target, plan):
                refuse_data_loss(plan)
                for _ in deployment.upload():
                    pass
                if stage is not None and not stage.stack.is_data_only:
                    pause.enter_context(while_no_attempt_runs(stage, self._waiting()))
                events = deployment.run(plan)
            for _ in events:
                pass

    def _waiting(self) -> Callable[[int], None]:
        """Return what to do while attempts run: show the logs, and say once what is waited for."""
        said_at = time.monotonic() + _QUIET_SECONDS
        has_said = False

        def waiting(attempts: int) -> None:
            nonlocal has_said
            self.show_logs()
            if not has_said and time.monotonic() > said_at:
                has_said = True
                which = "1 attempt" if attempts == 1 else f"{attempts:,} attempts"
                self._run.screen.note(f"Waiting for {which} to end before the new code takes over.")

        return waiting

    def show_logs(self) -> None:
        """Show what the worker has logged since the last time."""
        if self._logs is not None:
            print_events(self._run, self._logs.look())


def _names(paths: Iterable[Path]) -> str:
    """Return the files' paths from here, of many files the first few and how many more."""
    names = sorted(map(os.path.relpath, paths))
    more = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {plural(more, 'more file')}" if more > 0 else "")
