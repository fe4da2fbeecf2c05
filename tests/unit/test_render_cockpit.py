from __future__ import annotations

from datetime import timedelta

import pytest
from rich.text import Text

from ftask.core.codec import task_to_json
from ftask.ops.top import EndedAttempts, FailedAttempt
from ftask.render import cockpit
from ftask.selection.error_kinds import group_failures
from tests.support.builders import a_full_task
from tests.support.clock import EPOCH
from tests.support.drawing import drawn
from tests.support.snapshots import a_failed_task, a_snapshot

NOW = EPOCH + timedelta(minutes=3)
BUSY = a_snapshot(
    at=NOW,
    waiting=1_234_567,
    in_flight=120_000,
    oldest_seconds=86_400.0,
    dead_letters=12_345,
    completed_rate=1234.5,
    failed_attempts_rate=321.0,
    worker_errors=12,
    throttles=34,
    failed=12_345,
    ended=EndedAttempts(EPOCH, 1_234_567, 234_567, 34_567),
)
LONG = "an error that goes on and on, " * 10
ATTACK = "\x1b[2Jcleared [bold]marked\nup[/bold] \u202egnp"
SHOWN = "�[2Jcleared [bold]marked up[/bold] �gnp"


def lines_of(width: int, snapshot: object = BUSY) -> list[Text]:
    failed = a_failed_task(1, LONG, task_type="a_type_with_a_very_long_name")
    (group,) = group_failures([failed])
    return [
        cockpit.head(BUSY, "prod", "send_invoice", width, paused=True),
        cockpit.attempts_title(BUSY, width, 2345.6, 240),
        cockpit.queue_title(BUSY, width, 2_345_678),
        *cockpit.figures(BUSY, width).split(),
        *cockpit.bars(range(500), width, 4, "green").split(),
        cockpit.group_line(group, NOW, width, count_width=8, type_width=20),
        cockpit.failure_line(FailedAttempt.of(failed), "01234567", NOW, width, type_width=20),
        cockpit.key_line([("Enter", "open"), ("q", "quit")] * 20, width),
    ]


@pytest.mark.parametrize("width", [1, 20, 80, 200])
def test_each_line_fits_its_width(width: int) -> None:
    assert [line.cell_len for line in lines_of(width) if line.cell_len > width] == []


def test_a_wide_terminal_shows_every_figure() -> None:
    text = "\n".join(line.plain for line in lines_of(200))
    for part in (
        "stage prod  type send_invoice  consuming",
        "VIEW PAUSED",
        "1234.5 completed/s  321.0 failed/s",
        "peak 2345.6/s in 4 m 0 s",
        "1,234,567 waiting  120,000 in flight",
        "oldest 1 d 0 h",
        "peak 2,345,678",
        "12,345 FAILED (3 m ago)  12,345 dead letters  12 worker errors  34 throttles",
        "1,234,567 completed  234,567 retried  34,567 failed",
        "a_type_with_a_very_…",
    ):
        assert part in text


def test_a_cut_line_says_so() -> None:
    assert all(line.plain.endswith("…") for line in lines_of(80)[-3:])


def test_the_newest_value_of_a_graph_is_at_its_right_end() -> None:
    assert cockpit.bars([0, 2, 4], 5, 2, "").plain.splitlines() == ["   ▁█", "  ▁██"]


def test_a_fresh_count_has_no_age() -> None:
    assert "ago" not in cockpit.figures(a_snapshot(failed=3), 80).plain


def test_an_error_cannot_steer_the_terminal_and_stays_on_its_line() -> None:
    failed = a_failed_task(1, ATTACK)
    (group,) = group_failures([failed])
    for line in (
        cockpit.failure_line(FailedAttempt.of(failed), "01234567", NOW, 120, 0),
        cockpit.message(ATTACK.replace("\n", " ")),
        cockpit.question(ATTACK.replace("\n", " "), []),
    ):
        assert SHOWN in line.plain
    assert "\x1b" not in cockpit.group_line(group, NOW, 120, 8, 0).plain


def test_an_open_task_cannot_steer_the_terminal() -> None:
    value = task_to_json(a_full_task()) | {"payload": {ATTACK: [ATTACK]}}
    text = drawn(cockpit.task_page(value, f"Traceback\n{ATTACK}", f"note {ATTACK}"), 200)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count("�[2Jcleared [bold]marked") == 4


def test_an_open_kind_of_error_shows_its_newest_example() -> None:
    (group,) = group_failures([a_failed_task(1)])
    assert "send_invoice" in drawn(cockpit.group_page(group, task_to_json(a_full_task())))
    assert "is gone from the table" in drawn(cockpit.group_page(group, None))
