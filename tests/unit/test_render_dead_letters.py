from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from ftask.actions.peek import PeekedLetter
from ftask.core.codec import task_to_json
from ftask.core.execution import letter_attributes
from ftask.core.failed_index import FailedTask
from ftask.core.letters import Verdict
from ftask.core.model import DeadLetter, Failure, Message
from ftask.ops.logs import LogEvent
from ftask.render.dead_letters import (
    failed_table,
    group_json,
    group_table,
    letters_table,
    shown,
    verdicts_json,
    verdicts_text,
)
from ftask.selection.error_kinds import group_failures
from tests.support.clock import EPOCH
from tests.support.drawing import WHOLE, drawn
from tests.support.stages import failed_task

NOW = EPOCH + timedelta(seconds=80)


def test_a_failed_task_says_how_often_it_was_redriven() -> None:
    task = FailedTask.of(failed_task(7, EPOCH, Failure("ValueError", "Boom")))
    text = drawn(failed_table([replace(task, epoch=0), replace(task, epoch=2)], NOW, WHOLE))
    first, second = text.splitlines()[1:]
    assert "1 m 20 s ago" in first
    assert "redrive" not in first
    assert "after 2 redrives" in second


def test_the_type_is_shown_where_a_type_other_than_the_experiment_occurs() -> None:
    simulated = FailedTask.of(failed_task(7, EPOCH, Failure("ValueError", "Boom")))
    sent = replace(simulated, type="send")
    assert drawn(failed_table([simulated], NOW, WHOLE)).split()[:2] == ["task", "failed"]
    header, first, second = drawn(failed_table([simulated, sent], NOW, WHOLE)).splitlines()
    assert header.split()[:2] == ["task", "type"]
    assert (first.split()[1], second.split()[1]) == ("experiment", "send")
    groups = group_failures([simulated, sent])
    assert "experiment  ValueError: Boom" in drawn(group_table(groups, {}, NOW, WHOLE))
    assert "send  ValueError: Boom" in drawn(group_table(groups, {}, NOW, WHOLE))
    assert "experiment" not in drawn(group_table(groups[:1], {}, NOW, WHOLE))
    assert [group_json(group, None)["taskType"] for group in groups] == ["experiment", "send"]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_group_shows_the_payload_of_its_newest_task(width: int) -> None:
    task = failed_task(7, EPOCH, Failure("ValueError", "no order 17"), '{"order":17}')
    (group,) = group_failures([FailedTask.of(task)])
    lines = drawn(group_table([group], {task.task_id: task}, NOW, WHOLE), width).splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "1 ValueError: no order <n>",
        f"1 m 20 s ago; newest {task.task_id}",
        '{"order":17}',
    ]
    assert group_json(group, task)["payload"] == {"order": 17}


def test_more_kinds_of_error_than_a_person_reads_are_counted() -> None:
    # The first kind has 22 tasks, the last one 1.
    numbers = [number for number in range(22) for _ in range(22 - number)]
    errors = [Failure(f"Error{'x' * number}", "no") for number in numbers]
    failures = [FailedTask.of(failed_task(number, EPOCH, error)) for number, error in enumerate(errors)]
    text = drawn(group_table(group_failures(failures), {}, NOW, WHOLE))
    assert text.count("newest ") == 20
    assert " ".join(text.splitlines()[-1].split()) == "3 of 2 other kinds; -o json shows all"


def test_an_error_that_every_attempt_has_is_shown_once() -> None:
    error = Failure("ValueError", "no such order")
    task = failed_task(7, EPOCH, error)
    letter = {"messageId": "m", "sentAt": None, "attributes": letter_attributes(task) | {"note": "by hand"}}
    about = {"taskId": task.task_id, "type": "send", "epoch": 0, "attempt": 1}
    failure = {"errorType": error.type, "errorMessage": error.message}
    events = [
        LogEvent(
            "worker", EPOCH, "ERROR", "attemptFailed", about | {"traceback": "Traceback (most recent call last):"}
        ),
        LogEvent("worker", EPOCH, "INFO", "finished", about | failure | {"status": "FAILED"}),
    ]
    text = drawn(shown(task_to_json(task), letter, events, NOW))
    assert (text.count("no such order"), text.count("Traceback"), text.count(task.task_id)) == (1, 1, 1)
    assert "attemptFailed" not in text
    logged = LogEvent("worker", EPOCH, "ERROR", "log", about | {"message": "odd", "traceback": "KeyError: 'tax'"})
    text = drawn(shown(task_to_json(task), letter, [*events, logged], NOW))
    assert [text.count(words) for words in ("Traceback", "odd", "KeyError: 'tax'")] == [1, 1, 1]
    assert "by hand" in text
    other = replace(task, history=(replace(task.history[0], error=Failure("KeyError", "'id'")), *task.history))
    assert "KeyError: 'id'" in drawn(shown(task_to_json(other), letter, [], NOW))


def test_a_letter_of_a_type_says_so() -> None:
    letter = DeadLetter("m", "handle", "{}", {"type": "send", "errorType": "ValueError"}, EPOCH)
    assert f"{'ab' * 16}  send  ValueError" in drawn(
        letters_table([PeekedLetter(letter, Message("ab" * 16), Verdict.CURRENT)], NOW, WHOLE)
    )


def test_a_long_body_says_that_it_is_cut() -> None:
    letter = PeekedLetter(DeadLetter("m", "handle", "x" * 1234, {}, EPOCH), None, Verdict.UNKNOWN)
    text = " ".join(drawn(letters_table([letter], NOW, WHOLE)).split())
    assert "not a task: the body is not JSON no reason given sent 1 m 20 s ago, message m" in text
    assert "(1,234 characters; -o json shows all)" in text


@pytest.mark.parametrize(
    ("verdict", "says"),
    [(Verdict.STALE, "stale: its task"), (Verdict.UNSETTLED, "not written FAILED"), (Verdict.CURRENT, "")],
)
def test_a_letter_says_if_it_is_not_what_one_expects(verdict: Verdict, says: str) -> None:
    letter = PeekedLetter(DeadLetter("m", "handle", "{}", {}, EPOCH), Message("ab" * 16), verdict)
    lines = drawn(letters_table([letter], NOW, WHOLE)).strip().splitlines()
    assert len(lines) == (3 if says else 2)
    assert says in lines[-1]


def test_what_was_redriven_discarded_or_drained_is_counted_by_verdict() -> None:
    counts = Counter({Verdict.DONE: 1200, Verdict.STALE: 40, Verdict.SKIPPED: 7, Verdict.UNSENT: 2})
    words = "   40 stale, deleted   7 not selected   2 rejected by SQS"
    assert verdicts_text("redriven", counts).plain == f"1,200 redriven{words}"
    assert verdicts_text("drained into x.jsonl", counts).plain == f"1,200 drained into x.jsonl{words}"
    others = {"stale": 40, "skipped": 7, "unsettled": 0, "unknown": 0, "unsent": 2}
    assert verdicts_json("discarded", counts) == {"discarded": 1200, **others}
