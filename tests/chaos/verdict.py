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
    limits = {task_id: task.max_attempts for task_id, task in tasks.items()}
    return Verdict(
        lost=[task_id for task_id in accepted if task_id not in tasks],
        open=sorted(tasks.keys() - {task.task_id for task in ended}),
        without_letter=[
            task.task_id for task in ended if task.status is Status.FAILED and (task.task_id, task.epoch) not in known
        ],
        overlapping=_overlapping(starts, ends),
        too_many_starts=[
            task_id
            for (task_id, _), number in Counter(
                (event["taskId"], event["epoch"]) for runs in starts.values() for event in runs
            ).items()
            if number > limits.get(task_id, 0)
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
            end = ends.get((task_id, before["epoch"], before["attempt"]), before["leaseUntil"])
            if after["timestamp"] < end:
                overlapping.append(task_id)
    return overlapping
