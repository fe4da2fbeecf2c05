"""What a chaos came to: judged from the table, the dead letters and the handler's own log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ftask.core.model import Status, Task

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """Every list should be empty."""

    lost: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    without_letter: list[str] = field(default_factory=list)
    overlapping: list[str] = field(default_factory=list)
    too_many_starts: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return self == Verdict()


def judge(
    accepted: Sequence[str], tasks: Mapping[str, Task], letters: Iterable[tuple[str, int]], log: Iterable[Event]
) -> Verdict:
    """`letters` are task ids and epochs; `log` are the worker's events in any order."""
    known = set(letters)
    ended = [task for task in tasks.values() if task.status.terminal]
    starts, ends = _runs(log)
    uncounted = Counter(
        (task.task_id, attempt.epoch) for task in tasks.values() for attempt in task.history if attempt.uncounted
    )
    return Verdict(
        lost=[task_id for task_id in accepted if task_id not in tasks],
        open=sorted(tasks.keys() - {task.task_id for task in ended}),
        without_letter=[
            task.task_id for task in ended if task.status is Status.FAILED and (task.task_id, task.epoch) not in known
        ],
        overlapping=_overlapping(starts, ends),
        too_many_starts=[
            task_id
            for (task_id, epoch), number in Counter(
                (event["taskId"], event["epoch"]) for runs in starts.values() for event in runs
            ).items()
            if number > (tasks[task_id].max_attempts + uncounted[task_id, epoch] if task_id in tasks else 0)
        ],
    )


def _runs(log: Iterable[Event]) -> tuple[dict[str, list[Event]], dict[tuple[str, int, int], str]]:
    starts: dict[str, list[Event]] = defaultdict(list)
    ends: dict[tuple[str, int, int], str] = {}
    for event in log:
        if event["event"] == "started":
            starts[event["taskId"]].append(event)
        elif event["event"] == "finished":
            ends[event["taskId"], event["epoch"], event["attempt"]] = event["timestamp"]
    return starts, ends


def _overlapping(starts: Mapping[str, list[Event]], ends: Mapping[tuple[str, int, int], str]) -> list[str]:
    """Tasks of which a run started before the last one had ended. One that was killed lasts as long as its lease."""
    overlapping = []
    for task_id, runs in starts.items():
        # Times of one format and zone compare as they sort. Workers of a chaos share one clock.
        runs.sort(key=lambda event: event["timestamp"])
        for before, after in pairwise(runs):
            # An attempt that is started again was lost beside others, so its end is that of the second run.
            again = (before["epoch"], before["attempt"]) == (after["epoch"], after["attempt"])
            finished = None if again else ends.get((task_id, before["epoch"], before["attempt"]))
            end = finished or before["leaseUntil"]
            if after["timestamp"] < end:
                overlapping.append(task_id)
    return overlapping
