"""Figures that tests report and the terminal summary adds up.

They travel as properties of the tests, so they reach the summary from several processes too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Record = Callable[[str, object], None]

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "crash exploration": (
        "scenarios",
        "crash points",
        "schedules run",
        "invariant violations",
        "breakages",
        "breakages caught",
        "random stories",
        "steps in random stories",
    ),
    "chaos": (
        "tasks accepted",
        "kills",
        "hangs",
        "faults",
        "duplicates",
        "lost",
        "overlapping runs",
        "without a terminal state",
        "innocents that failed",
    ),
}


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Imported by the conftest at the root of the tests, the only one that a controlling process loads."""
    for section, names in SECTIONS.items():
        totals: dict[str, int] = {}
        for reports in terminalreporter.stats.values():
            for report in reports:
                if getattr(report, "when", None) == "call":
                    for name, value in report.user_properties:
                        if name in names:
                            totals[name] = totals.get(name, 0) + value
        if totals:
            terminalreporter.section(section)
        for name in names:
            if name in totals:
                terminalreporter.write_line(f"{name:<26} {totals[name]:>7,}")
