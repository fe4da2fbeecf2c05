"""Type checkers see a task as the function that it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DECLARED = """
from ftask import PermanentError, RetryAfter, current, task
from ftask.testing import run

@task
def send_invoice(order_id: int, email: str = "") -> dict[str, int]:
    if current().attempt > 1:
        raise RetryAfter(0.5)
    raise PermanentError("no")

@task(max_attempts=5, backoff=(2, 300), timeout=20)
async def resize(image: str) -> None: ...
"""
TYPED = """
invoice: dict[str, int] = send_invoice(order_id=17)
seconds: float = current().remaining()
status: str = run(send_invoice, {"order_id": 17}).status

async def use() -> None:
    await resize("a.png")
"""
MISTYPED = """
send_invoice(order_id="17")
send_invoice()
text: str = send_invoice(order_id=17)
resize(picture="a.png")
task(max_attempts="5")
task(retries=5)
"""


def mypy(tmp_path: Path, source: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("mypy", reason="mypy is not installed (extra `lint`)")
    file = tmp_path / "orders.py"
    file.write_text(DECLARED + source, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_a_right_call_is_accepted(tmp_path: Path) -> None:
    done = mypy(tmp_path, TYPED)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_wrong_call_is_found(tmp_path: Path) -> None:
    done = mypy(tmp_path, MISTYPED)
    assert done.returncode == 1, done.stdout + done.stderr
    first = DECLARED.count("\n") + 2
    lines = [int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error: " in line]
    assert sorted(set(lines)) == list(range(first, first + 6))
