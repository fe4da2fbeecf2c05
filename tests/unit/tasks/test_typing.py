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


def test_a_type_checker_accepts_right_calls_and_finds_each_wrong_one(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    for name, calls in (("right.py", TYPED), ("wrong.py", MISTYPED)):
        (tmp_path / name).write_text(DECLARED + calls, encoding="utf-8")
    files = [str(tmp_path / name) for name in ("right.py", "wrong.py")]
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    errors = {tuple(line.split(":")[:2]) for line in done.stdout.splitlines() if ": error: " in line}
    first = DECLARED.count("\n") + 2
    assert errors == {(files[1], str(line)) for line in range(first, first + 6)}, done.stdout
