"""Every state that a picture may show has its word and its colour."""

from __future__ import annotations

import pytest

from ftask.core.letters import Verdict
from ftask.core.model import Status
from ftask.doctor.finding import Level
from ftask.render.dead_letters import VERDICTS
from ftask.render.info import SIGNS
from ftask.render.statuses import STYLES, consumption_text, status_counts, status_text


def test_every_status_has_a_colour_in_the_order_of_a_life() -> None:
    assert list(STYLES) == list(Status)
    assert all(STYLES.values())


def test_every_verdict_on_a_letter_and_every_level_of_a_finding_is_drawn() -> None:
    assert {*VERDICTS, Verdict.CURRENT, Verdict.DONE} == set(Verdict)
    assert list(SIGNS) == list(Level)


def test_counts_come_in_the_order_of_a_life_and_leave_out_none() -> None:
    counts = status_counts([("NEWER", 1), (Status.COMPLETED, 1200), (Status.PENDING, 3), (Status.FAILED, 0)])
    assert counts.plain == "3 PENDING   1,200 COMPLETED   1 NEWER"


def test_a_status_of_a_newer_ftask_is_shown_without_a_colour() -> None:
    assert (status_text("NEWER").plain, status_text("NEWER").style) == ("NEWER", "")


@pytest.mark.parametrize(
    ("state", "words"),
    [("Enabled", "consuming"), ("Disabled", "paused"), ("Enabling", "resuming"), ("Updating", "updating")],
)
def test_the_worker_is_said_to_consume_or_not(state: str, words: str) -> None:
    assert consumption_text(state, has_problem=False).plain == words


def test_a_worker_that_consumes_and_cannot_run_tasks_is_not_said_to_consume() -> None:
    assert consumption_text("Enabled", has_problem=True).plain == "cannot run tasks"
    assert consumption_text("Disabled", has_problem=True).plain == "paused"
