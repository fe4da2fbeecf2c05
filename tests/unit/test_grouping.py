from __future__ import annotations

from datetime import timedelta

import pytest

from ftask.core.failed_index import FailedTask
from ftask.core.model import Failure
from ftask.selection.error_kinds import group_failures, normalise_message
from tests.support.clock import EPOCH


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("order 17 not found", "order <n> not found"),
        ("took 2.5 s, -3 left", "took <n> s, <n> left"),
        ("no user 'bob' in \"eu\"", "no user <text> in <text>"),
        ("no user 'Conan O'Brien', the users' list", "no user <text>, the users' list"),
        ("can't reach db, won't retry", "can't reach db, won't retry"),
        ("can't parse date, won't retry", "can't parse date, won't retry"),
        ("b'\\x00' is not “text”", "<text> is not <text>"),
        ("task 0123456789abcdef0123456789abcdef is gone", "task <n> is gone"),
        ("request 6f9619ff-8b86-d011-b42d-00c04fc964ff", "request <n>"),
        ("order A-17/b3: not found. Ask ops@example.com!", "order <n>: not found. Ask <n>!"),
        ("<Order object at 0x7f3a> has no total", "<Order object at <n>> has no total"),
        ("since 2026-03-01T12:00:00.123Z", "since <n>"),
        ("since 2026-03-01 12:00:00", "since <n>"),
        ("http://10.0.0.7:8080/x?id=ab3 answered 503", "<n>=<n> answered <n>"),
        ("missing [1, 2, 'x'] of {'a': 1}", "missing [<n>] of {<text>}"),
        ("feedbeef is a word, deadbeefdeadbeef too", "feedbeef is a word, deadbeefdeadbeef too"),
    ],
)
def test_what_differs_between_two_occurrences_is_replaced(message: str, expected: str) -> None:
    assert normalise_message(message) == expected


def an_entry(number: int, message: str, task_type: str = "send") -> FailedTask:
    at = EPOCH - timedelta(seconds=number)
    return FailedTask(str(number), 0, 1, EPOCH, at, Failure("E", message), task_type)


def test_groups_count_and_span_and_show_the_newest() -> None:
    groups = group_failures([an_entry(1, "no 1"), an_entry(2, "other"), an_entry(3, "no 3"), an_entry(4, "no 4")])
    assert [(group.message, group.count, group.example) for group in groups] == [("no <n>", 3, "1"), ("other", 1, "2")]
    assert (groups[0].first_at, groups[0].last_at) == (EPOCH - timedelta(seconds=4), EPOCH - timedelta(seconds=1))


def test_one_error_in_tasks_of_two_types_is_two_kinds() -> None:
    groups = group_failures([an_entry(1, "no", "b"), an_entry(2, "no", "a"), an_entry(3, "no", "b")])
    assert [(group.task_type, group.count) for group in groups] == [("b", 2), ("a", 1)]
