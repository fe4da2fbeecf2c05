"""Why the tasks that a command waits for do not move: the stage is paused, or its worker cannot run tasks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from ftask.cli.invocation import Invocation
from ftask.core.errors import FtaskError
from ftask.ops.consumption import state, why_no_task_runs

# Without a change for so long, the worker is looked at; and again after each minute.
FIRST_SECONDS = 15.0
NEXT_SECONDS = 60.0
# So long the end of a wait is put off for the answer of a worker that has to start.
LAST_SECONDS = 10.0

Reason = str | None


def in_background(work: Callable[[], Reason]) -> Future[Reason]:
    """Begin the work in a thread, for which Python does not wait at its end."""
    future: Future[Reason] = Future()
    threading.Thread(target=lambda: future.set_result(work()), daemon=True).start()
    return future


class Standstill:
    """Notices that tasks do not change, and says why; `reason` is None while they do, or where none is known.

    The worker may take long to answer, so it is asked in the background.
    """

    def __init__(
        self,
        run: Invocation,
        clock: Callable[[], float] = time.monotonic,
        begin: Callable[[Callable[[], Reason]], Future[Reason]] = in_background,
    ) -> None:
        self._run = run
        self._clock = clock
        self._begin = begin
        self._due = clock() + FIRST_SECONDS
        self._look: Future[Reason] | None = None
        self.reason: Reason = None

    def note(self, *, changed: bool) -> Reason:
        """Note whether a read has shown a change; return the reason if it is new."""
        if changed:
            self._due = self._clock() + FIRST_SECONDS
            self._look = self.reason = None
            return None
        if self._look is None and self._clock() >= self._due:
            self._look = self._begin(self._ask)
        return self._news(0)

    def look(self) -> Reason:
        """Look at the worker now, and wait a little for its answer; return the reason if it is new."""
        self._look = self._look or self._begin(self._ask)
        return self._news(LAST_SECONDS)

    def _news(self, wait_seconds: float) -> Reason:
        if self._look is None:
            return None
        try:
            found = self._look.result(wait_seconds)
        except TimeoutError:
            return None
        self._look = None
        self._due = self._clock() + NEXT_SECONDS
        before, self.reason = self.reason, found
        return found if found != before else None

    def _ask(self) -> Reason:
        stage = self._run.stage
        try:
            return why_no_task_runs(stage, state(stage))
        except FtaskError:
            # Who only watches tasks may not be allowed to see the worker.
            return None
