"""`ftask top`: a live board."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import Annotated, Any

import typer

from ftask.cli import cockpit
from ftask.cli.invocation import Invocation
from ftask.cli.keys import read_key, single_keys
from ftask.cli.selecting import TaskType
from ftask.distribution import missing_extra
from ftask.ops.top import PAST, StageSampler, StageSnapshot
from ftask.render.top import Sort, line
from ftask.render.top import board as picture


def top(
    run: Invocation,
    interval: Annotated[float, typer.Option(min=0.2, metavar="SECONDS", help="Time between two readings.")] = 2.0,
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="Number of readings; 0 for no limit.")] = 0,
    task_type: TaskType = None,
) -> None:
    """Show the stage live: throughput, queues, dead letters, failed tasks, recent failures.

    With --type, attempts, failures and failed tasks are those of this type; all types share the queues.

    On a terminal, with the extra "top" of ftask-aws, keys select, open, redrive and cancel tasks; ? lists them. Without
    the extra: q quits, p pauses the view, s sorts the failures.

    Without a terminal: one line per reading, in JSON with -o json.

    Examples:
        ftask top --stage prod
        ftask top --count 1 -o json
    """
    board = StageSampler(run.stage, task_type)
    run.if_interrupted = None
    if run.screen.live and sys.stdin.isatty():
        _watch(run, board, interval, count)
        return
    looks = 0
    while True:
        snapshot = board.snapshot()
        run.screen.line(snapshot.json(), line(snapshot))
        looks += 1
        if looks == count:
            return
        time.sleep(interval)


def _watch(run: Invocation, sampler: StageSampler, interval: float, count: int) -> None:
    """Show the stage on the whole terminal, which is as before afterwards, however this ends."""
    if cockpit.is_installed():
        cockpit.run_cockpit(run, sampler, interval, count)
        return
    run.screen.note(f"Keys to open, redrive and cancel tasks need an extra.\n{missing_extra(cockpit.EXTRA)}")
    _live(run, sampler, interval, count)


def _live(run: Invocation, board: StageSampler, interval: float, count: int) -> None:
    past: deque[StageSnapshot] = deque([board.snapshot()], maxlen=PAST)
    sort, frozen, looks = Sort.NEWEST, False, 1

    def draw() -> Any:
        size = run.screen.out.size
        return picture(past, run.target.stage_name, width=size.width, height=size.height, sort=sort, frozen=frozen)

    with single_keys(), run.screen.board(draw()) as live:
        look_at = time.monotonic() + interval
        while looks != count:
            key = read_key(max(0.0, look_at - time.monotonic()))
            if key in ("q", "\x03", "\x04"):
                return
            if key == "p":
                frozen = not frozen
            if key == "s":
                sort = Sort.ERROR if sort is Sort.NEWEST else Sort.NEWEST
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + interval
                if not frozen:
                    past.append(board.snapshot())
                    looks += 1
            live.update(draw(), refresh=True)
