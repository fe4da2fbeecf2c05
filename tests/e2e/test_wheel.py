"""The wheel carries the stack, so it deploys outside a checkout."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import Cli

pytestmark = pytest.mark.engine


def test_the_wheel_deploys_outside_a_checkout(own_engine: Cli, tmp_path: Path) -> None:
    source = Path(__file__).parents[2]
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(wheels), str(source)]
    subprocess.run(build, check=True, timeout=120)
    (wheel,) = wheels.iterdir()
    # The dependencies come from this environment; ftask itself from the wheel, found first.
    folder = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", str(folder), str(wheel)],
        check=True,
        timeout=120,
    )
    from_wheel = {"PYTHONPATH": str(folder)}
    done = own_engine("deploy", "--yes", "-o", "json", **from_wheel)
    assert done.code == 0, done.err
    assert own_engine("submit", "-m", "SUCCESS", "--wait", **from_wheel).code == 0
    # The same archives as from the checkout.
    again = own_engine("deploy", "--yes", "-o", "json").out
    assert re.search(done.json["codeSha256"], again)
    assert re.search(done.json["workerCodeSha256"], again)
