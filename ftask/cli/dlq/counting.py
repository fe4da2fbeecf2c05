"""How many failed tasks a command is about to change."""

from __future__ import annotations

from ftask.cli.invocation import Invocation
from ftask.core.failed_index import FailedTask
from ftask.dead_letters.selection import Selection, failures

# Tasks that a dry run shows.
SAMPLE = 5


def count_selected(
    run: Invocation, selection: Selection, *, also_removed: bool = False
) -> tuple[int, list[FailedTask]]:
    """Return the number of selected tasks, and the newest of them.

    Of tasks selected by id `also_removed` counts those that were discarded or drained.
    """
    count = 0
    sample: list[FailedTask] = []
    for failed in run.screen.spinning(failures(run.stage, selection, also_removed=also_removed), "counting"):
        count += 1
        if len(sample) < SAMPLE:
            sample.append(failed)
    return count, sample
