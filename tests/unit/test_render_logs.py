from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from ftask.ops.logs import OUTPUT, LogEvent
from ftask.render.logs import event_block, event_text, searched_text
from ftask.render.statuses import STYLES
from tests.support.clock import EPOCH
from tests.support.drawing import drawn

TASK = "ab" * 16
LONG = "order 17 has 3 positions, of which two are delivered later by another supplier with a long name"


def event(name: str = "started", level: str = "INFO", **fields: Any) -> LogEvent:
    return LogEvent("worker", EPOCH, level, name, fields)


def text(shown: LogEvent) -> str:
    """What stands behind the time and the function in a whole line."""
    time, function, rest = event_text(shown).plain.split("  ", 2)
    assert (time, function) == ("2026-01-01T12:00:00.000Z", "worker")
    return rest


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (event(epoch=0, type="send", attempt=1, waitMs=814), "started    send  attempt 1  waited 814 ms"),
        # As it was logged by earlier versions, and as a later one may log it.
        (event(attempt=1, leaseUntil="x"), "started    attempt 1"),
        (event("accepted", type="experiment", epoch=0), "accepted"),
        (event("begunAndEnded", epoch=2, attempt=1, new=[1]), "begunAndEnded  redrive 2  attempt 1  new [1]"),
        (
            event("finished", attempt=3, status="FAILED", durationMs=3100, errorType="E", errorMessage="no"),
            "finished   attempt 3  FAILED  took 3.1 s  E: no",
        ),
        (event("postponed", reason="backing off", visibleInSeconds=2), "postponed  backing off  visible in 2.0 s"),
        # What Lambda's runtime logs.
        (event("ImportError", "ERROR", errorType="ImportError", errorMessage="no x"), "ImportError  no x"),
    ],
)
def test_an_event_is_its_name_and_its_fields_in_words(shown: LogEvent, expected: str) -> None:
    assert text(shown) == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (event("log", "WARNING", type="send", logger="shop", message="slow"), "WARNING    shop: slow"),
        (event("log", logger="stdout", message="sent"), "INFO       sent"),
        (event("log", logger="root", message="sent", attempt=2, order=17), "INFO       sent  attempt 2  order 17"),
        (event(OUTPUT, message="sent"), "INFO       sent"),
        # Names that mean something in ftask's own events do not in a message.
        (
            event("log", message="paid", status="ok", epoch=0, errorType="E", requestId="r-1", location="Kyiv"),
            "INFO       paid  epoch 0  status ok  errorType E  location Kyiv  requestId r-1",
        ),
    ],
)
def test_a_message_of_the_users_code_is_its_level_its_logger_and_its_text(shown: LogEvent, expected: str) -> None:
    assert text(shown) == expected


def test_levels_and_statuses_have_their_colours() -> None:
    line = event_text(event("log", "ERROR", message="no"))
    assert [str(span.style) for span in line.spans if "ERROR" in line.plain[span.start : span.end]] == ["bold red"]
    line = event_text(event("finished", status="RETRYING"))
    styles = [str(span.style) for span in line.spans if line.plain[span.start : span.end] == "RETRYING"]
    assert styles == [STYLES["RETRYING"]]


@pytest.mark.parametrize("trace", ["File x\n  boom\nE: no", ["File x\n", "  boom\n", "E: no\n"]])
@pytest.mark.parametrize("field", ["traceback", "stackTrace"])
def test_a_traceback_stands_below_its_line(field: str, trace: Any) -> None:
    line = event_text(event("attemptFailed", "ERROR", attempt=1, **{field: trace}))
    assert line.plain.endswith("  attempt 1\n    File x\n      boom\n    E: no")


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_long_line_continues_below_its_text_and_breaks_at_words(width: int) -> None:
    shown = event("log", taskId=TASK, message=LONG, traceback=f"Traceback:\n  File x\nE: {LONG}")
    lines = drawn(event_block(shown, EPOCH, {TASK: TASK[:8]}, width=width), width).splitlines()
    first = next(number for number, line in enumerate(lines) if line.rstrip() == "    Traceback:")
    message = lines[:first]
    start = message[0].index("INFO")
    assert message[0].index("abababab") < start
    assert all(line.startswith(" " * start) for line in message[1:])
    assert " ".join(line.strip() for line in message).endswith(LONG)


def test_a_pipe_gets_whole_lines_with_whole_times() -> None:
    line = event_text(event("log", taskId=TASK, message=LONG), ids={TASK: TASK}).plain
    assert line == f"2026-01-01T12:00:00.000Z  worker  {TASK}  INFO       {LONG}"


def test_a_time_has_its_date_unless_that_is_today() -> None:
    def time(now: Any, width: int) -> str:
        return drawn(event_block(event(), now, width=width), width).partition("  ")[0]

    local = EPOCH.astimezone()
    assert time(EPOCH, 120) == f"{local:%H:%M:%S}.000"
    assert time(EPOCH, 80) == f"{local:%H:%M:%S}"
    assert time(EPOCH + timedelta(days=2), 120) == f"{local:%m-%d %H:%M:%S}.000"


def test_events_without_a_task_keep_the_column_of_the_ids() -> None:
    ids = {TASK: TASK[:8]}
    with_id, without = (event_text(shown, ids).plain for shown in (event(taskId=TASK), event()))
    assert with_id.index("started") == without.index("started")


def test_a_search_finds_what_is_shown_and_what_the_line_hides() -> None:
    shown = event("log", taskId=TASK, logger="shop", message="sent", attempt=2, traceback="E: no", requestId="r-17")
    for found in ("attempt 2", "shop: sent", TASK, "E: no", "r-17", "worker"):
        assert found in searched_text(shown)
    # Names of fields that a reader does not see would match every event.
    assert "taskId" not in searched_text(shown)


def test_what_was_searched_for_stands_out() -> None:
    shown = event("log", message="no such order", attempt=2, traceback="no")
    line = event_text(shown, highlight=re.compile("no|attempt 2"))
    marked = [line.plain[span.start : span.end] for span in line.spans if span.style == "reverse"]
    assert marked == ["no", "attempt 2", "no"]
