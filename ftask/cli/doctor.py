"""`ftask doctor`: check a stage and repair it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import Yes
from ftask.core.text import plural
from ftask.deploy.apply import restore_worker_source
from ftask.doctor.checks import examine
from ftask.doctor.finding import Finding, Level
from ftask.local.engine import Engine
from ftask.render.info import findings_table


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
    checked = examine(run.stage, lambda: restore_worker_source(run.target))
    findings = [*_engine(run), *screen.spinning(checked, "checking")]
    fixable = sum(finding.fix is not None for finding in findings)
    if fix and fixable and dry_run:
        text = "would be repaired (--dry-run)"
        findings = [finding if finding.fix is None else replace(finding, repair=text) for finding in findings]
    elif fix and fixable:
        screen.picture(findings_table(findings))
        run.confirm(f"Apply {plural(fixable, 'repair')}?", yes=yes)
        run.if_interrupted = "Repairs already made remain. Run the command again for the others."
        findings = [finding.repaired() for finding in findings]
    screen.result([finding.json() for finding in findings], lambda: findings_table(findings))
    # A repair that failed is a failure too, also that of a mere note.
    has_failed = any(finding.repair and not finding.is_repaired for finding in findings) and not dry_run
    is_unwell = has_failed or any(finding.needs_attention for finding in findings)
    return ExitCode.FAILED if is_unwell else ExitCode.DONE


def _engine(run: Invocation) -> Iterator[Finding]:
    if run.settings.uses_engine and (running := Engine().running()):
        yield Finding("engine", Level.OK, f"ministack {running.version} at {run.target.endpoint_url}")
