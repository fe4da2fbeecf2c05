"""What `ftask.tasks` costs and needs: the standard library, the pure core, and pydantic only where it is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.test_imports import PURE

ROOT = Path(__file__).parents[3]
TASKS = """
from datetime import date
from ftask import task, testing
import ftask.testing
import decimal

@task
def send(order_id: int, day: date, price: decimal.Decimal = decimal.Decimal(1), **rest):
    return {"order": order_id, "day": day, "price": price, "rest": rest}
"""


def run(code: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def output_of(code: str, *flags: str) -> list[str]:
    done = run(code, *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_importing_it_loads_the_standard_library_and_the_pure_core_alone() -> None:
    """Without site-packages, so that nothing else could be there."""
    loaded = output_of("import sys, ftask.tasks.worker, ftask.tasks.loading; print(*sys.modules, sep='\\n')", "-S")
    others = [name for name in loaded if name.partition(".")[0] not in {*sys.stdlib_module_names, "__main__", "ftask"}]
    assert not others
    core = {name.removeprefix("ftask.core.") for name in loaded if name.startswith("ftask.core.")}
    assert core <= PURE
    rest = {name.split(".")[1] for name in loaded if name.startswith("ftask.")}
    assert rest == {"core", "tasks"}


@pytest.mark.parametrize("module", ["botocore", "pydantic"])
def test_importing_it_does_not_load_a_package_of_the_project(module: str) -> None:
    loaded = output_of("import sys, ftask.tasks.worker, ftask.tasks.loading; print(*sys.modules, sep='\\n')")
    assert module not in loaded


def test_ftask_itself_stays_bare() -> None:
    loaded = output_of(
        "import sys; before = {*sys.modules}; import ftask; print(*{*sys.modules} - before, sep='\\n')", "-S"
    )
    assert loaded == ["ftask"]


def test_the_names_of_ftask_load_when_they_are_used() -> None:
    code = """
import ftask
assert {"task", "current", "PermanentError", "RetryAfter"} <= set(dir(ftask))
from ftask import PermanentError, RetryAfter, current, task
import ftask.core.errors, ftask.tasks
assert PermanentError is ftask.core.errors.PermanentError and task is ftask.tasks.task
from ftask import *
try:
    ftask.tsak
except AttributeError as error:
    print(error)
"""
    assert output_of(code) == ["module 'ftask' has no attribute 'tsak'"]


def test_with_pydantic_values_are_converted() -> None:
    code = TASKS + 'print(ftask.testing.run(send, {"order_id": "17", "day": "2026-01-01", "x": 1}).result)'
    assert output_of(code) == ["{'order': 17, 'day': '2026-01-01', 'price': '1', 'rest': {'x': 1}}"]


REFUSED = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pydantic", "pydantic_core"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=REFUSED)
sys.meta_path.insert(0, Refuse())
"""
PLAIN = TASKS + 'print(ftask.testing.run(send, {"order_id": "17", "day": "2026-01-01", "x": 1}))'


def test_without_pydantic_values_stay_jsons_and_names_are_checked() -> None:
    code = REFUSED.replace("REFUSED", "'pydantic'") + PLAIN + '\nprint(ftask.testing.run(send, {"day": 1}).error)'
    completed, refused = output_of(code)
    assert "result={'order': '17', 'day': '2026-01-01', 'price': '1', 'rest': {'x': 1}}" in completed
    assert refused == ("Task type send: missing argument 'order_id'. Arguments: order_id, day, price (optional).")


def test_a_pydantic_with_a_part_missing_does_not_pass_for_none() -> None:
    (outcome,) = output_of(REFUSED.replace("REFUSED", "'pydantic_core'") + PLAIN)
    assert "error=ModuleNotFoundError(" in outcome


def test_pydantic_1_counts_as_none() -> None:
    code = "import sys, types\nsys.modules['pydantic'] = types.ModuleType('pydantic')\n" + PLAIN
    (outcome,) = output_of(code)
    assert "'order': '17'" in outcome
