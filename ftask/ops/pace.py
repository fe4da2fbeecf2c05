"""How fast tasks end, and how long the others still take at this speed."""

from __future__ import annotations

from collections import deque

# Only the last seconds count: a queue speeds up as its worker gets more instances.
RECENT_SECONDS = 30.0
_MIN_ENDS_FOR_ESTIMATE = 20
# What ends in less time says nothing about the speed.
_MIN_SECONDS = 1.0


class Pace:
    """Measures the ends of tasks in the last `recent_seconds`. Moments are seconds of one clock."""

    def __init__(self, moment: float, recent_seconds: float = RECENT_SECONDS) -> None:
        self._recent_seconds = recent_seconds
        self._ends: deque[tuple[float, int]] = deque([(moment, 0)])
        self._total = 0

    def add(self, moment: float, ended: int) -> None:
        """Note how many tasks have ended since the last note."""
        self._ends.append((moment, ended))
        self._total += ended
        while len(self._ends) > 2 and self._ends[0][0] < moment - self._recent_seconds:
            self._ends.popleft()

    @property
    def per_second(self) -> float:
        """How many tasks end in a second; 0 as long as that cannot be told."""
        seconds = self._ends[-1][0] - self._ends[0][0]
        # The first note begins the time in which the others ended.
        return sum(ended for _, ended in list(self._ends)[1:]) / seconds if seconds >= _MIN_SECONDS else 0.0

    def seconds_left(self, tasks: int) -> float | None:
        """Return how long `tasks` tasks take; None until enough have ended."""
        if self._total < _MIN_ENDS_FOR_ESTIMATE or not self.per_second:
            return None
        return tasks / self.per_second
