"""The attempts that run, and when their start is logged.

An attempt that ends soon has one line in the log, its end. The start of one that still runs after a second is logged
then, so that a hanging attempt can be seen; one whose process dies before that is seen in the task's history and by
Lambda's own line at once, and as `attemptLost` when its message comes again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ftask.core.events import Event

AFTER_SECONDS = 1.0

Attempt = tuple[str, int, int]
"""Task id, epoch and number of an attempt."""


class Starts:
    """Holds the starts of attempts until they end, and writes those that run for longer than `after_seconds`.

    Threads may share it. Its own thread runs from the first attempt on, and sleeps while none is young.
    """

    def __init__(
        self,
        write: Callable[[Event], None],
        after_seconds: float | None = None,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._after_seconds = AFTER_SECONDS if after_seconds is None else after_seconds
        self._tick = tick
        self._running: dict[Attempt, Event] = {}
        self._young: deque[tuple[float, Attempt]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def begin(self, started: Event) -> None:
        """Hold the event `started`."""
        if self._after_seconds <= 0:
            self._write(started)
            return
        attempt = _attempt(started)
        with self._changed:
            self._running[attempt] = started
            self._young.append((self._tick() + self._after_seconds, attempt))
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="ftask-starts", daemon=True)
                self._thread.start()
            elif len(self._young) == 1:
                self._changed.notify()

    def end(self, event: Event) -> None:
        """Forget the start of the attempt that `event` ends."""
        with self._changed:
            self._running.pop(_attempt(event), None)

    def end_all(self) -> None:
        """Write the starts that are held: the invocation ends without an end of theirs."""
        with self._changed:
            held = list(self._running.values())
            self._running.clear()
        for started in held:
            self._write(started)

    def _watch(self) -> None:
        while True:
            with self._changed:
                while self._young and self._young[0][1] not in self._running:
                    self._young.popleft()
                pause = self._young[0][0] - self._tick() if self._young else None
                if pause is None or pause > 0:
                    self._changed.wait(pause)
                    continue
                started = self._running.pop(self._young.popleft()[1])
            self._write(started)


def _attempt(event: Event) -> Attempt:
    return event.fields["taskId"], event.fields["epoch"], event.fields["attempt"]
