"""`ftask doctor`: check a stage and repair it."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.yes import Yes
from ftask.core.text import plural


def doctor(
    run: Invocation,
    fix: Annotated[bool, typer.Option("--fix", help="Repair what can be repaired without losing anything.")] = False,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --fix: only show the repairs.")] = False,
) -> ExitCode:
    """Check the stage: credentials, stack, settings, queues, permissions, stuck tasks.

    Exit code 1 if something needs attention and was not repaired.
    """
    from ftask.ops.doctor import examine
    from ftask.ops.finding import Finding, Level
    from ftask.render.doctor import finding_json, findings_table

    screen = run.screen
    engine = [Finding("engine", Level.OK, text)] if (text := _engine(run)) else []
    findings = [*engine, *screen.spinning(examine(run.stage), "checking")]
    repairs: dict[int, str] = {}
    fixable = [(number, finding.fix) for number, finding in enumerate(findings) if finding.fix is not None]
    if fix and fixable:
        if dry_run:
            repairs = {number: "would be repaired (--dry-run)" for number, _ in fixable}
        else:
            screen.picture(findings_table(findings, {}))
            run.confirm(f"Apply {plural(len(fixable), 'repair')}?", yes=yes)
            run.if_interrupted = "Repairs already made remain. Run the command again for the others."
            repairs = {number: repair() for number, repair in fixable}
    screen.result(
        [finding_json(finding, repairs.get(number)) for number, finding in enumerate(findings)],
        lambda: findings_table(findings, repairs),
    )
    repaired = set() if dry_run else repairs.keys()
    remaining = [
        finding
        for number, finding in enumerate(findings)
        if finding.level in (Level.WARNING, Level.ERROR) and number not in repaired
    ]
    return ExitCode.FAILED if remaining else ExitCode.DONE


def _engine(run: Invocation) -> str | None:
    if not run.settings.uses_engine:
        return None
    from ftask.local.engine import Engine

    endpoint = run.target.endpoint_url
    running = Engine().running()
    return f"ministack {running.version} at {endpoint}" if running else None
