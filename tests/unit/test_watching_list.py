from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ftask.cli.ls import watch_list
from ftask.core.model import Status, Task
from tests.support.builders import a_large_task, a_task
from tests.support.drawing import WHOLE, drawn

ONE, TWO = a_task(task_id="1" * 32), a_task(task_id="2" * 32)
DONE = replace(ONE, status=Status.COMPLETED)
LARGE = a_large_task(task_id="3" * 32)


class Run:
    """A command on a terminal of 24 lines, or without one; it keeps what it shows."""

    def __init__(self, *, live: bool, json: bool = False) -> None:
        self.if_interrupted: str | None = ""
        self.shown: list[Any] = []
        self.screen = SimpleNamespace(
            live=live,
            json=json,
            out=SimpleNamespace(size=SimpleNamespace(height=24)),
            drawing=self._drawing,
            line=lambda value, text: self.shown.append(value if json else text),
        )
        self.stage = SimpleNamespace(
            with_payloads=lambda tasks: [replace(task, payload=task.payload or '{"a":1}') for task in tasks]
        )

    @contextmanager
    def _drawing(self, first: Any, *, transient: bool) -> Iterator[Any]:
        assert not transient
        yield SimpleNamespace(update=lambda picture, refresh: self.shown.append(drawn(picture, 200)))

    def shown_ids(self, _: Any) -> Any:
        return WHOLE

    def watch(self, looks: Sequence[Sequence[Task]], columns: Sequence[str] = ()) -> list[Any]:
        """Watch a list that is so at each look, until Ctrl-C; return what was shown."""
        remaining = iter(looks)

        def read() -> Sequence[Task]:
            tasks = next(remaining, None)
            if tasks is None:
                raise KeyboardInterrupt
            return tasks

        run: Any = self
        with pytest.raises(KeyboardInterrupt):
            watch_list(run, read, columns, 2, sleep=lambda _: None)
        assert self.if_interrupted is None
        return self.shown


def test_a_terminal_shows_the_list_as_it_is_at_each_look() -> None:
    first, second = Run(live=True).watch([[ONE], [TWO, DONE]])
    assert [line.split()[0] for line in first.splitlines()[:2]] == ["task", ONE.task_id]
    assert [line.split()[:2] for line in second.splitlines()[1:3]] == [
        [TWO.task_id, "PENDING"],
        [ONE.task_id, "COMPLETED"],
    ]


def test_a_pipe_gets_a_line_for_each_task_that_is_new_or_has_changed_the_oldest_first() -> None:
    lines = Run(live=False).watch([[TWO, ONE], [TWO, ONE], [TWO, DONE]])
    assert [line.split()[1:3] for line in lines] == [
        [ONE.task_id, "PENDING"],
        [TWO.task_id, "PENDING"],
        [ONE.task_id, "COMPLETED"],
    ]
    assert Run(live=False).watch([[ONE]], ["status", "task"]) == [f"PENDING  {ONE.task_id}"]
    assert [value["status"] for value in Run(live=False, json=True).watch([[ONE], [DONE]])] == ["PENDING", "COMPLETED"]


def test_large_payloads_are_read_where_they_are_shown() -> None:
    large = replace(LARGE, payload=None)
    assert Run(live=False).watch([[large]], ["payload"]) == ['{"a":1}']
    assert Run(live=False, json=True).watch([[large]])[0]["payload"] == {"a": 1}
    assert '{"a":1}' in Run(live=True).watch([[large]], ["payload"])[0]


def test_a_list_that_takes_long_to_read_is_not_read_all_the_time() -> None:
    run: Any = Run(live=False)
    times = iter([0.0, 0.1, 10.0, 13.0])
    pauses: list[float] = []
    looks = iter([[ONE], [ONE]])

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch_list(run, lambda: next(looks), (), 2, sleep=sleep, clock=lambda: next(times))
    assert pauses == [2, 12]
