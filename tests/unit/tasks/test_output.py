"""What a task logs and prints carries its id, and hurts nobody."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import pytest

from ftask.core.events import MAX_LINE_BYTES
from ftask.tasks.output import capture_output, end_lines
from ftask.tasks.testing import running as attempt


class Output:
    """What went to the real stdout and stderr."""

    def __init__(self) -> None:
        self.stdout, self.stderr = io.StringIO(), io.StringIO()

    def lines(self, stream: str = "stdout") -> list[dict[str, Any]]:
        """The JSON lines, without their time."""
        text: str = getattr(self, stream).getvalue()
        assert text == "" or text.endswith("\n")
        lines = [json.loads(line) for line in text.splitlines()]
        for line in lines:
            datetime.fromisoformat(line.pop("timestamp"))
            assert line.pop("event") == "log"
        return lines

    def messages(self, stream: str = "stdout") -> list[tuple[str, str]]:
        return [(line["taskId"], line["message"]) for line in self.lines(stream)]


@contextlib.contextmanager
def captured() -> Iterator[Output]:
    """A process whose output is captured, over streams that the test can read.

    Not a fixture: pytest puts streams of its own in place between a fixture and its test.
    """
    streams = Output()
    with contextlib.redirect_stdout(streams.stdout), contextlib.redirect_stderr(streams.stderr):
        restore = capture_output()
        try:
            yield streams
        finally:
            restore()


def test_a_log_record_is_one_json_line_with_the_task() -> None:
    with captured() as output:
        with attempt(task_id="a", type="send"):
            logging.getLogger("shop.mail").info("sent %s\nin two lines", "x")
        assert output.lines() == [
            {"level": "INFO", "taskId": "a", "type": "send", "logger": "shop.mail", "message": "sent x\nin two lines"}
        ]


def test_a_logged_exception_carries_its_traceback() -> None:
    with captured() as output:
        with attempt():
            try:
                raise KeyError("x")
            except KeyError:
                logging.exception("failed")
        (line,) = output.lines()
        assert (line["level"], line["message"]) == ("ERROR", "failed")
        assert line["traceback"].endswith("KeyError: 'x'")


def test_outside_of_a_task_a_record_names_none() -> None:
    with captured() as output:
        logging.getLogger("botocore").warning("slow")
        assert output.lines() == [{"level": "WARNING", "logger": "botocore", "message": "slow"}]


def test_a_record_that_cannot_be_written_fails_no_task() -> None:
    with captured() as output:
        with attempt():
            logging.info("%d", "x")
            logging.info("after")
        assert [line["message"] for line in output.lines()] == ["after"]
        assert "--- Logging error ---" in [message for _, message in output.messages("stderr")]


def test_debug_is_left_out_unless_the_level_asks_for_it() -> None:
    for level, messages in ((logging.INFO, 0), (logging.DEBUG, 1)):
        streams = Output()
        with contextlib.redirect_stdout(streams.stdout):
            restore = capture_output(level)
            logging.debug("detail")
            restore()
        assert len(streams.lines()) == messages


def test_botocores_own_remarks_are_left_out_because_they_hold_payloads_of_the_workers_calls() -> None:
    for level in (logging.INFO, logging.DEBUG):
        streams = Output()
        with contextlib.redirect_stdout(streams.stdout):
            restore = capture_output(level)
            logging.getLogger("botocore.credentials").info("found credentials")
            logging.getLogger("botocore.credentials").warning("slow")
            logging.getLogger("urllib3.connectionpool").info("POST /")
            restore()
        assert [line["message"] for line in streams.lines()] == ["slow"]
    assert logging.getLogger("botocore").level == logging.NOTSET


def test_a_printed_line_is_one_json_line_with_the_task() -> None:
    with captured() as output:
        with attempt(task_id="a", type="send"):
            print("one", 2, end="")
            print(" three")
            print()
            print("four\nfive")
        assert output.lines() == [
            {"level": "INFO", "taskId": "a", "type": "send", "logger": "stdout", "message": text}
            for text in ("one 2 three", "four", "five")
        ]


def test_stderr_is_told_apart() -> None:
    with captured() as output:
        with attempt(task_id="a", type="send"):
            print("careful", file=sys.stderr)
            try:
                raise KeyError("x")
            except KeyError:
                traceback.print_exc()
        lines = output.lines("stderr")
        assert lines[0] == {"level": "WARNING", "taskId": "a", "type": "send", "logger": "stderr", "message": "careful"}
        assert lines[-1]["message"] == "KeyError: 'x'"
        assert output.lines() == []


def test_an_unfinished_line_is_written_when_the_attempt_ends() -> None:
    with captured() as output:
        with attempt(task_id="a"):
            print("progress", end="", flush=True)
            assert output.lines() == []
            end_lines()
        assert output.messages() == [("a", "progress")]


def test_an_unfinished_line_is_never_another_tasks() -> None:
    with captured() as output:
        with attempt(task_id="a"):
            print("of a", end="")
        with attempt(task_id="b"):
            print("of b")
        with attempt(task_id="c"):
            print("of c", end="")
        print("of nobody")
        assert output.stdout.getvalue().endswith("of nobody\n")
        kept = output.stdout.getvalue().splitlines()[:-1]
        assert [(json.loads(line)["taskId"], json.loads(line)["message"]) for line in kept] == [
            ("a", "of a"),
            ("b", "of b"),
            ("c", "of c"),
        ]


def test_outside_of_a_task_text_passes_through() -> None:
    with captured() as output:
        sys.stdout.write('{"event": "started"}\n')
        print("plain", end="")
        print(" text", file=sys.stderr)
        assert output.stdout.getvalue() == '{"event": "started"}\nplain'
        assert output.stderr.getvalue() == " text\n"


def test_a_line_that_is_json_keeps_its_fields() -> None:
    """As structured loggers and metrics in the embedded format print them."""
    with captured() as output:
        with attempt(task_id="a", type="send"):
            print(json.dumps({"level": "error", "event": "finished", "order": 17, "taskId": "forged", "timestamp": 1}))
            print(json.dumps({"_aws": {"At": 1}, "Orders": 3, "message": "counted"}))
            print("[1, 2]")
            print("{not json}")
        assert output.lines() == [
            {
                "level": "ERROR",
                "message": "finished",
                "order": 17,
                "taskId": "a",
                "type": "send",
                "fields": {"taskId": "forged"},
            },
            {
                "level": "INFO",
                "message": "counted",
                "_aws": {"At": 1},
                "Orders": 3,
                "taskId": "a",
                "type": "send",
            },
            {"level": "INFO", "logger": "stdout", "message": "[1, 2]", "taskId": "a", "type": "send"},
            {"level": "INFO", "logger": "stdout", "message": "{not json}", "taskId": "a", "type": "send"},
        ]


def test_what_a_log_call_adds_is_in_its_line() -> None:
    class Mute:
        def __str__(self) -> str:
            raise SystemExit

    with captured() as output:
        with attempt(task_id="a", type="send"):
            extra = {"order": 17, "type": "gift", "at": date(2026, 1, 1), "odd": {(1, 2): 3, "x": Mute()}}
            logging.getLogger("shop").info("sent", extra=extra)
            logging.getLogger("shop").info("sent", extra={"page": "x" * 9_000})
        first, second = output.lines()
        assert first == {
            "level": "INFO",
            "taskId": "a",
            "type": "send",
            "logger": "shop",
            "message": "sent",
            "order": 17,
            "at": "2026-01-01",
            "odd": {"x": "Mute"},
            "fields": {"type": "gift"},
        }
        assert second["extra"].startswith('{"page": "xxx')
        assert len(second["extra"].encode()) <= MAX_LINE_BYTES


def test_a_record_of_loguru_is_whole_and_has_its_level() -> None:
    record = {"message": "refused", "level": {"name": "ERROR", "no": 40}, "extra": {"customer": 4711}}
    with captured() as output:
        with attempt(task_id="a", type="send"):
            print(json.dumps({"text": "refused\n", "record": record}))
        assert output.lines() == [
            {
                "level": "ERROR",
                "taskId": "a",
                "type": "send",
                "message": "refused",
                "text": "refused\n",
                "record": record,
            }
        ]


def test_bytes_are_lines_of_the_task_too() -> None:
    with captured() as output:
        with attempt(task_id="a", type="send"):
            sys.stdout.buffer.write(b'{"order": 17, "message": "sent"}\nnot \xff UTF-8\n')
        assert output.lines() == [
            {"level": "INFO", "message": "sent", "order": 17, "taskId": "a", "type": "send"},
            {"level": "INFO", "logger": "stdout", "message": "not \ufffd UTF-8", "taskId": "a", "type": "send"},
        ]


@pytest.mark.parametrize("text", ["x" * 10_000_000, "ü" * 5_000_000, "\ud800" * 9_000, '{"a": "' + "x" * 9_000 + '"}'])
def test_a_long_line_is_cut(text: str) -> None:
    with captured() as output:
        with attempt():
            print(text)
            logging.info(text)
            for _ in range(3):
                print(text[:9_000], end="")
            end_lines()
        messages = [message for _, message in output.messages()]
        assert len(messages) == 3
        for message in messages:
            assert MAX_LINE_BYTES - 10 < len(message.encode()) <= MAX_LINE_BYTES
            assert message.endswith("…")


def test_ten_megabytes_of_lines_keep_their_order() -> None:
    lines = [f"{number:01000d}" for number in range(10_000)]
    with captured() as output:
        with attempt():
            print("\n".join(lines))
        assert [message for _, message in output.messages()] == lines


def test_ten_threads_keep_their_lines_apart() -> None:
    with captured() as output:
        barrier = threading.Barrier(10)

        def work(number: int) -> None:
            with attempt(task_id=str(number)):
                barrier.wait(10)
                for step in range(100):
                    print("step", step, "of", number, end="")
                    print("", "done")
                    logging.info("step %d", step)

        with ThreadPoolExecutor(10) as threads:
            list(threads.map(work, range(10)))
        messages = output.messages()
        for number in range(10):
            printed = [message for task_id, message in messages if task_id == str(number)]
            assert printed == [
                text for step in range(100) for text in (f"step {step} of {number} done", f"step {step}")
            ]


def test_coroutines_of_one_task_carry_its_id() -> None:
    with captured() as output:

        async def step(number: int) -> None:
            for _ in range(20):
                await asyncio.sleep(0)
                print("step", number)
            await asyncio.to_thread(print, "thread", number)

        async def steps() -> None:
            await asyncio.gather(*map(step, range(10)))

        with attempt(task_id="a"):
            asyncio.run(steps())
        assert len(output.messages()) == 210
        assert {task_id for task_id, _ in output.messages()} == {"a"}


def test_a_thread_that_a_task_starts_may_print() -> None:
    with captured() as output:

        def work() -> None:
            print("from a thread")
            logging.info("logged in a thread")

        with attempt(task_id="a"):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            print("from the task")
        first, second, third = output.stdout.getvalue().splitlines()
        assert first == "from a thread"
        assert json.loads(second)["message"] == "logged in a thread"
        assert json.loads(third)["taskId"] == "a"


def test_a_task_that_closes_stdout_closes_it_for_nobody() -> None:
    with captured() as output:
        with attempt(task_id="a"):
            sys.stdout.close()
            assert not sys.stdout.closed
            print("still here")
        assert output.messages() == [("a", "still here")]


def test_the_stream_is_one_that_libraries_know(tmp_path: Any) -> None:
    with (tmp_path / "stdout").open("w", encoding="utf-8") as real, contextlib.redirect_stdout(real):
        restore = capture_output()
        try:
            assert sys.stdout.fileno() == real.fileno()
            assert sys.stdout.writable()
            assert not sys.stdout.isatty()
            assert sys.stdout.encoding == "utf-8"
            sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
            with attempt(task_id="a"):
                sys.stdout.buffer.write(b"bytes pass\n")
                sys.stdout.writelines(["x\n", "y\n"])
        finally:
            restore()
    assert (tmp_path / "stdout").read_text(encoding="utf-8").count("\n") == 3


def test_everything_is_put_back() -> None:
    root = logging.getLogger()
    before = sys.stdout, sys.stderr, root.handlers[:], root.level
    restore = capture_output(logging.DEBUG)
    kept = sys.stdout
    assert before != (sys.stdout, sys.stderr, root.handlers[:], root.level)
    restore()
    assert before == (sys.stdout, sys.stderr, root.handlers[:], root.level)
    # Who kept the stream can go on writing to it.
    kept.write("")


def test_a_stdout_that_somebody_else_has_put_there_stays() -> None:
    restore = capture_output()
    theirs = io.StringIO()
    with contextlib.redirect_stdout(theirs):
        restore()
        assert sys.stdout is theirs
    # redirect_stdout gave the captured stream back: it works, and the next test has its own.
    sys.stdout = sys.stdout._stream  # type: ignore[attr-defined]


def test_a_task_that_redirects_its_output_gets_it() -> None:
    with captured() as output:
        mine = io.StringIO()
        with attempt(), contextlib.redirect_stdout(mine):
            print("mine")
            end_lines()
        assert mine.getvalue() == "mine\n"
        assert output.lines() == []
