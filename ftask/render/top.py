"""One reading of `ftask top` as a line of text."""

from __future__ import annotations

from ftask.core.text import plural
from ftask.ops.top import StageSnapshot
from ftask.render.texts import clock_time


def line(snapshot: StageSnapshot) -> str:
    """Return one snapshot as one line of plain text."""
    return (
        f"{clock_time(snapshot.at)}  {snapshot.completed_rate:.1f} completed/s  {snapshot.waiting:,} waiting"
        f"  {snapshot.in_flight:,} in flight  {plural(snapshot.dead_letters, 'dead letter')}"
        f"  {snapshot.failed:,} FAILED{'' if snapshot.problem is None else f'  {snapshot.problem}'}"
    )
