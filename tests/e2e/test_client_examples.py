"""The examples of the clients run as they are, against a deployed stage, and print what they promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import Cli

EXAMPLES = Path(__file__).parents[1] / "examples" / "clients"
PRINTS = {
    "submit_and_wait.py": "SimulatedError after 2 attempts",
    "many.py": "1000 results; 1000 completed",
    "asynchronous.py": "200 results",
    "unique.py": "1 task",
    "web_application.py": "one task COMPLETED",
    "groups.py": "100 tasks of one group, small is another",
    "operators.py": "FAILED\nfound by its tag: True\nredriven: True\n1 redrive\ndiscarded: True\ncancelled: ended\n",
}

pytestmark = pytest.mark.engine


def test_each_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PRINTS)


@pytest.mark.parametrize("name", PRINTS)
def test_an_example_prints_what_it_promises(deployed: Cli, name: str) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / name],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=deployed.environment,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert PRINTS[name] in done.stdout
