"""Child processes for real: what kills one is that attempt's outcome, and nobody else's."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ftask.core.child import MEMORY_VARIABLE
from ftask.core.errors import AttemptError, TimedOut, WorkerLost
from ftask.core.events import MAX_LINE_BYTES
from ftask.core.isolation import Children, TimeLimit, children_for
from ftask.core.ports import Job
from ftask.core.timestamps import now
from tests.support import child
from tests.support.waiting import until

LIMITS = {"hang": TimeLimit(0.2), "hang_in_c": TimeLimit(0.2)}
Run = Callable[..., Any]


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    children = Children(child.__name__, 2, LIMITS)
    yield children
    children.close()


@pytest.fixture
def new_children() -> Iterator[Children]:
    children = Children(child.__name__, 1)
    yield children
    children.close()


@pytest.fixture
def run(children: Children) -> Run:
    return lambda name, argument=None: run_in(children, name, argument)


def run_in(
    children: Children, name: str, argument: object = None, seconds: float = 60, until: datetime | None = None
) -> Any:
    deadline = until or now() + timedelta(seconds=seconds)
    job = Job("f" * 32, name, 0, 1, 2, {"argument": argument}, deadline)
    with children.child(deadline) as handler:
        assert handler is not None
        return handler(job)


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("value", [None, 0.1, 10**40, "żółć 🎉", {"a": [1, None, ""]}, "x" * 60_000])
def test_a_payload_arrives_and_a_result_comes_back_exactly(run: Run, value: object) -> None:
    assert run("echo", value) == value


def test_a_child_is_kept_until_it_dies(run: Run) -> None:
    first = run("pid")
    assert run("pid") == first != os.getpid()
    with pytest.raises(WorkerLost):
        run("exit_at_once", 3)
    assert run("pid") != first


@pytest.mark.parametrize(
    ("name", "argument", "text"),
    [
        ("exit_at_once", 0, "The process of the attempt ended with exit code 0."),
        ("exit_at_once", 70, "The process of the attempt ended with exit code 70."),
        ("segfault", None, "The process of the attempt was killed by SIGSEGV."),
        ("kill", signal.SIGTERM, "The process of the attempt was killed by SIGTERM."),
        ("kill", signal.SIGKILL, "The process of the attempt was killed by SIGKILL, as happens when memory runs out."),
    ],
)
def test_a_death_is_the_attempts_outcome(run: Run, name: str, argument: object, text: str) -> None:
    with pytest.raises(WorkerLost) as error:
        run(name, argument)
    assert str(error.value) == text


def test_a_crash_in_c_logs_where_it_happened(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WorkerLost):
        run("segfault")
    lines = logged(capsys)
    assert any("in segfault" in line["message"] for line in lines)
    assert {(line["event"], line["taskId"], line["type"]) for line in lines} == {("log", "f" * 32, "segfault")}


@pytest.mark.parametrize("name", ["hang", "hang_in_c"])
def test_a_hang_is_killed_at_its_timeout(run: Run, name: str) -> None:
    with pytest.raises(TimedOut, match=r"The attempt was killed after 0\.\d s: its timeout is 0.2 s\."):
        run(name)


def test_an_attempt_is_killed_before_its_workers_time_ends(new_children: Children) -> None:
    with pytest.raises(TimedOut, match=r"killed after \d\.\d s: WorkerTimeout ended the worker's time\."):
        run_in(new_children, "hang", seconds=2)


@pytest.mark.parametrize(
    ("kind", "error_type", "message", "permanent", "seconds"),
    [
        ("value", "ValueError", "no", False, None),
        ("permanent", "PermanentError", "never", True, None),
        ("later", "RetryAfter", "retry after 0.5 s", False, 0.5),
        ("exit", "SystemExit", "3", False, None),
        ("interrupt", "KeyboardInterrupt", "(no message)", False, None),
        ("unreadable", "_Unreadable", "its message cannot be read: RuntimeError", False, None),
    ],
)
def test_what_a_task_raises_comes_back_with_its_wish(
    run: Run, kind: str, error_type: str, message: str, permanent: bool, seconds: float | None
) -> None:
    before = run("pid")
    with pytest.raises(AttemptError) as raised:
        run("fail", kind)
    error = raised.value
    assert (error.error_type, str(error)) == (error_type, message)
    assert (error.permanent, error.requested_seconds) == (permanent, seconds)
    assert run("pid") == before


def test_a_result_that_is_not_json_is_the_attempts_failure(run: Run) -> None:
    with pytest.raises(AttemptError, match="not JSON") as error:
        run("cyclic")
    assert error.value.permanent


def test_ten_megabytes_of_output_reach_the_log_and_never_the_parent(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("shout", 10) == "said"
    lines = logged(capsys)
    assert {line["taskId"] for line in lines} == {"f" * 32}
    long = ("stdout", "x" * (MAX_LINE_BYTES - len("…".encode())) + "…")
    assert Counter((line["logger"], line["message"]) for line in lines) == {
        long: 10,
        ("stdout", '{"result":"forged"}'): 1,
        ("stderr", "zażółć"): 1,
    }


def test_a_task_that_closes_its_output_closes_it_for_nobody(run: Run) -> None:
    before = run("pid")
    run("close_output")
    assert run("pid") == before


def test_a_thread_that_prints_for_ever_holds_up_nobody(run: Run) -> None:
    run("print_for_ever")
    assert run("echo", 1) == 1


def test_a_task_that_forks_is_answered_for_once(run: Run) -> None:
    assert run("fork") == "parent"
    assert run("echo", 1) == 1


def test_the_next_task_finds_the_process_as_it_was(run: Run) -> None:
    before = run("state")
    run("change_everything")
    assert run("state") == before


def test_what_a_task_started_is_killed_with_it(run: Run, tmp_path: Path) -> None:
    with pytest.raises(WorkerLost):
        run("leave_a_process", str(tmp_path / "pid"))
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not is_running(pid), "it has ended")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this score")
def test_the_kernel_looks_for_memory_in_a_child_first(run: Run) -> None:
    assert run("oom_score") == "1000"


def test_a_task_that_takes_more_memory_than_a_child_may_fails_alone(
    new_children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MEMORY_VARIABLE, "512")
    before = run_in(new_children, "pid")
    with pytest.raises(AttemptError) as error:
        run_in(new_children, "allocate")
    assert error.value.error_type == "MemoryError"
    assert run_in(new_children, "pid") == before


def test_a_child_that_dies_while_it_is_idle_is_replaced(run: Run) -> None:
    before = run("pid")
    os.kill(before, signal.SIGKILL)
    until(lambda: not is_running(before), "it has ended")
    assert run("echo", 1) == 1
    assert run("pid") != before


def test_a_child_that_cannot_start_is_a_lost_attempt_and_says_why(
    new_children: Children, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHILD_CANNOT_START", "1")
    with pytest.raises(WorkerLost, match="exit code 1"):
        run_in(new_children, "echo", 1)
    assert any("OSError: cannot start" in line["message"] for line in logged(capsys))
    monkeypatch.delenv("CHILD_CANNOT_START")
    assert run_in(new_children, "echo", 1) == 1


def test_where_no_process_can_be_started_in_three_invocations_the_attempt_fails(
    new_children: Children, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", fail)
    text = "No process can be started for the attempt: [Errno 11] Resource temporarily unavailable."
    one, two, three = (now() + timedelta(seconds=60 + number) for number in range(3))
    # Several attempts of one invocation count once.
    for end in (one, one, one, two):
        with new_children.child(end) as handler:
            assert handler is None
    assert [line["errorMessage"] for line in logged(capsys)] == [text] * 4
    with pytest.raises(WorkerLost, match=re.escape(text)):
        run_in(new_children, "echo", 1, until=three)
    monkeypatch.undo()
    assert run_in(new_children, "echo", 1) == 1


def test_no_more_children_live_than_allowed_and_who_gets_none_is_told(children: Children) -> None:
    soon = now() + timedelta(seconds=60)
    with children.child(soon) as first, children.child(soon) as second, children.child(now()) as third:
        assert (first is None, second is None, third is None) == (False, False, True)


def test_attempts_at_once_keep_apart(children: Children) -> None:
    results: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda number=number: results.update({number: run_in(children, "echo", number)}))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: number for number in range(20)}


def test_a_thousand_attempts_leave_nothing_behind(new_children: Children) -> None:
    children = new_children
    run_in(children, "echo")
    before, processes = descriptors(), len(processes_below(os.getpid()))
    for number in range(1000):
        if number % 100 == 99:
            with pytest.raises(WorkerLost):
                run_in(children, "exit_at_once", 1)
        else:
            run_in(children, "echo", number)
    run_in(children, "echo")
    assert descriptors() == before
    assert len(processes_below(os.getpid())) == processes


@pytest.mark.parametrize("name", ["hang", "hang_in_c"])
def test_a_child_ends_with_its_worker_in_the_middle_of_an_attempt(name: str) -> None:
    """Otherwise it would still run when the lease has ended and another worker begins the task."""
    program = f"""
import sys, threading, time
sys.path[:0] = {sys.path!r}
from tests.unit.test_isolation import Children, child, run_in
children = Children(child.__name__, 1)
print(run_in(children, "pid"), flush=True)
threading.Thread(target=run_in, args=(children, {name!r}, None, 600), daemon=True).start()
time.sleep(600)
"""
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    pid = int(worker.stdout.readline())
    assert is_running(pid)
    worker.kill()
    worker.wait()
    worker.stdout.close()
    until(lambda: not is_running(pid), "it has ended")


@pytest.mark.parametrize(("megabytes", "count"), [(128, 1), (256, 1), (512, 3), (1769, 10), (10_240, 10)])
def test_a_worker_has_as_many_children_as_its_memory_holds(megabytes: int, count: int) -> None:
    assert children_for(megabytes) == count


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir() if entry.exists()}


def processes_below(parent: int) -> list[int]:
    """The child processes of a process, zombies too."""
    return [int(pid) for path in Path(f"/proc/{parent}/task").glob("*/children") for pid in path.read_text().split()]
