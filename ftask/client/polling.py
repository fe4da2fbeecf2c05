"""Which tasks a client asks for next, and when: one poller for all of its waits. No I/O, and no lock of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from weakref import WeakValueDictionary

from ftask.client.errors import UnknownTaskError
from ftask.client.info import TaskInfo
from ftask.client.requests import MAX_IDS
from ftask.core.model import Status

SHORTEST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
# Each round that brings nothing makes the next pause longer.
_GROWTH = 1.6


class Followed:
    """A task that handles stand for. `end` is how it ended, as far as this client has seen."""

    __slots__ = ("__weakref__", "end", "id")

    def __init__(self, task_id: str) -> None:
        self.id = task_id
        self.end: TaskInfo | UnknownTaskError | None = None


class Polling:
    """The tasks that are waited for. `due` is the moment of the next round."""

    def __init__(self) -> None:
        self.due = 0.0
        self._pause = SHORTEST_PAUSE_SECONDS
        self._asked = float("-inf")
        self._waits: Counter[str] = Counter()
        self._followed: WeakValueDictionary[str, Followed] = WeakValueDictionary()

    def follow(self, task_id: str) -> Followed:
        """Return the task of this id, the same one for as long as anybody holds it."""
        followed = self._followed.get(task_id)
        if followed is None:
            self._followed[task_id] = followed = Followed(task_id)
        return followed

    def begin(self, tasks: Iterable[Followed]) -> None:
        """Ask for these tasks from now on: at once, unless another round has just begun."""
        self._waits.update(task.id for task in tasks)
        self._pause = SHORTEST_PAUSE_SECONDS
        self.due = self._asked + SHORTEST_PAUSE_SECONDS

    def finish(self, tasks: Iterable[Followed]) -> None:
        """Ask for these tasks no more, unless somebody else waits for them."""
        self._waits.subtract(task.id for task in tasks)
        self._waits = +self._waits

    def round(self, now: float) -> list[list[str]]:
        """Return the ids of each request of this round, and choose the moment of the next one.

        The last request has room: it asks for other unfinished tasks of the client's handles too, so that a loop over
        a thousand handles takes ten requests, not a thousand.
        """
        waited = [task_id for task_id in self._waits if self.follow(task_id).end is None]
        others = (task.id for task in list(self._followed.values()) if task.end is None and task.id not in self._waits)
        ids = waited + list(islice(others, -len(waited) % MAX_IDS))
        self._asked, self.due = now, now + self._pause
        self._pause = min(LONGEST_PAUSE_SECONDS, self._pause * _GROWTH)
        return [ids[start : start + MAX_IDS] for start in range(0, len(ids), MAX_IDS)]

    def note(self, answers: Mapping[str, TaskInfo | None]) -> None:
        """Take the answers to a request, by id; None is a task that does not exist."""
        for task_id, info in answers.items():
            task = self.follow(task_id)
            if info is None:
                task.end = UnknownTaskError(task_id)
            elif info.status.terminal:
                task.end = info
                self._pause = SHORTEST_PAUSE_SECONDS


def unfinished(tasks: Iterable[Followed]) -> list[str]:
    return [task.id for task in tasks if task.end is None]


def take_end(task: Followed) -> TaskInfo:
    """Return how a task ended; the next wait asks again, unless that is final: a failed task may be redriven.

    Raises:
        UnknownTaskError: it does not exist.
    """
    end = task.end
    if end is None or isinstance(end, UnknownTaskError) or end.status is not Status.COMPLETED:
        task.end = None
    if isinstance(end, TaskInfo):
        return end
    raise end or UnknownTaskError(task.id)
