"""Why the tasks that a command waits for do not move: the stage is paused, or its event source mapping is gone."""

from __future__ import annotations

import time
from collections.abc import Callable

from ftask.cli.invocation import Invocation
from ftask.core.errors import FtaskError
from ftask.ops.consumption import state, why_no_task_runs

# Without a change for so long, the state of the worker is looked at; and again after each minute.
FIRST_SECONDS = 10.0
NEXT_SECONDS = 60.0


class Standstill:
    """Notices that tasks do not change, and says why; `reason` is None while they do, or where none is known."""

    def __init__(self, run: Invocation, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._clock = clock
        self._due = clock() + FIRST_SECONDS
        self.reason: str | None = None

    def note(self, *, changed: bool) -> str | None:
        """Note whether a read has shown a change; return the reason if it is new."""
        if changed:
            self._due = self._clock() + FIRST_SECONDS
            self.reason = None
            return None
        return self.look() if self._clock() >= self._due else None

    def look(self) -> str | None:
        """Look at the worker now; return the reason if it is new."""
        self._due = self._clock() + NEXT_SECONDS
        before = self.reason
        stage = self._run.stage
        try:
            self.reason = why_no_task_runs(stage, state(stage))
        except FtaskError:
            # Who only watches tasks may not be allowed to see the worker.
            self.reason = None
        return self.reason if self.reason != before else None
