"""What the exploration prints at its end. Figures travel as properties of the tests, so several processes add up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.crash.world import Cloud, cloud

FIGURES = ("scenarios", "crash points", "schedules run", "invariant violations", "breakages", "breakages caught")


@pytest.fixture(scope="session", name="cloud")
def _cloud() -> Iterator[Cloud]:
    with cloud() as made:
        yield made


def pytest_terminal_summary(terminalreporter: Any) -> None:
    totals = dict.fromkeys(FIGURES, 0)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for name, value in report.user_properties:
                if name in totals:
                    totals[name] += value
    if not totals["scenarios"]:
        return
    terminalreporter.section("crash exploration")
    caught = totals.pop("breakages caught")
    breakages = totals.pop("breakages")
    for name, value in totals.items():
        terminalreporter.write_line(f"{name:<22} {value:>7,}")
    terminalreporter.write_line(f"{'breakages caught':<22} {caught:>7,} of {breakages:,}")
