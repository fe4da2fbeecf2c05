"""A real browser, where the machine has one."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def chromium(folder: Path, *arguments: str) -> bytes:
    """Run it headless and return what it prints."""
    return subprocess.run(_command(folder, *arguments), capture_output=True, timeout=100, check=True).stdout


@contextmanager
def open_page(folder: Path, url: str, *arguments: str) -> Iterator[None]:
    """Show a page headless until the block ends."""
    command = _command(folder, "--remote-debugging-port=0", *arguments, url)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _command(folder: Path, *arguments: str) -> list[str]:
    """A profile of its own in `folder`, and nothing of the network."""
    executable = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if executable is None:
        pytest.skip("no Chromium on this machine")
    quiet = ["gpu", "quic", "background-networking", "component-update", "sync"]
    return [
        executable, "--headless", "--no-sandbox", "--no-first-run", "--hide-scrollbars",
        *(f"--disable-{feature}" for feature in quiet), f"--user-data-dir={folder / 'profile'}", *arguments,
    ]  # fmt: skip
