"""`ftask doctor`: checks and repairs."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation


def doctor(
    run: Invocation,
    fix: Annotated[bool, typer.Option("--fix", help="Put right what can be put right without a loss.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --fix: say what would be done.")] = False,
) -> ExitCode:
    """Check the stage: credentials, stack, settings, queues, permissions, tasks that are stuck.

    Exit code 1 if something needs attention and was not put right.
    """
    from ftask.ops.doctor import Finding, Level, examine
    from ftask.render.findings import finding_json, findings_table

    screen = run.screen
    engine = [Finding("engine", Level.OK, text)] if (text := _engine(run)) else []
    findings = [*engine, *screen.spinning(examine(run.stage), "checking")]
    repairs: dict[int, str] = {}
    fixable = [(number, found.fix) for number, found in enumerate(findings) if found.fix is not None]
    if fix and fixable:
        if dry_run:
            repairs = {number: "would be put right (--dry-run)" for number, _ in fixable}
        else:
            screen.picture(findings_table(findings, {}))
            run.confirm("Put right what can be?", yes=yes)
            run.if_interrupted = "What was put right stays so; run the command again for the rest."
            repairs = {number: repair() for number, repair in fixable}
    screen.result(
        [finding_json(found, repairs.get(number)) for number, found in enumerate(findings)],
        lambda: findings_table(findings, repairs),
    )
    done = set() if dry_run else repairs.keys()
    bad = {Level.WARNING, Level.ERROR}
    open_ = [found for number, found in enumerate(findings) if found.level in bad and number not in done]
    return ExitCode.FAILED if open_ else ExitCode.DONE


def _engine(run: Invocation) -> str | None:
    if not run.settings.uses_engine:
        return None
    from ftask.local.engine import Engine

    endpoint = run.target.endpoint_url
    running = Engine().running()
    return f"ministack {running.version} at {endpoint}" if running else None
