"""`ftask doctor`: check a stage and repair it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.yes import Yes
from ftask.core.errors import FtaskError
from ftask.core.text import plural
from ftask.deploy.restore import restore_worker_source
from ftask.local.engine import Engine
from ftask.ops.doctor import examine
from ftask.ops.finding import Finding, Level, Repair
from ftask.render.doctor import finding_json, findings_table


def doctor(
    run: Invocation,
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired without losing anything.")] = False,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --fix: only show the repairs.")] = False,
) -> ExitCode:
    """Check the stage: credentials, stack, settings, event source mapping, queues, permissions, stuck tasks.

    Exit code 1 if something needs attention and was not repaired.

    Examples:
        ftask doctor --stage prod
        ftask doctor --fix
    """
    screen = run.screen
    engine = [Finding("engine", Level.OK, text)] if (text := _engine(run)) else []
    checked = examine(run.stage, lambda: restore_worker_source(run.target))
    findings = [*engine, *screen.spinning(checked, "checking")]
    fixes = {number: finding.fix for number, finding in enumerate(findings) if finding.fix is not None}
    repairs: dict[int, Repair] = {}
    if fix and fixes:
        if dry_run:
            repairs = dict.fromkeys(fixes, Repair("would be repaired (--dry-run)", is_done=False))
        else:
            screen.picture(findings_table(findings, {}))
            run.confirm(f"Apply {plural(len(fixes), 'repair')}?", yes=yes)
            run.if_interrupted = "Repairs already made remain. Run the command again for the others."
            repairs = {number: _repaired(repair) for number, repair in fixes.items()}
    screen.result(
        [finding_json(finding, repairs.get(number)) for number, finding in enumerate(findings)],
        lambda: findings_table(findings, repairs),
    )
    is_healthy = all(
        (number in repairs and repairs[number].is_done) or not finding.needs_attention
        for number, finding in enumerate(findings)
    )
    # A repair that failed is a failure too, also that of a mere note.
    is_repaired = dry_run or all(repair.is_done for repair in repairs.values())
    return ExitCode.DONE if is_healthy and is_repaired else ExitCode.FAILED


def _repaired(repair: Callable[[], str]) -> Repair:
    try:
        return Repair(repair(), is_done=True)
    except FtaskError as error:
        # The other repairs are made all the same.
        return Repair(f"Not repaired. {error.message}" + (f" {error.hint}" if error.hint else ""), is_done=False)


def _engine(run: Invocation) -> str | None:
    if not run.settings.uses_engine:
        return None
    endpoint = run.target.endpoint_url
    running = Engine().running()
    return f"ministack {running.version} at {endpoint}" if running else None
