"""Nothing is lost and nothing runs twice at once, whatever dies at whichever call."""

from __future__ import annotations

import pytest

from tests.crash.cloud import Cloud
from tests.crash.explore import explore
from tests.crash.stories import SCENARIOS
from tests.crash.stories.story import Scenario
from tests.support.figures import Record


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_invariants_hold_at_every_crash_point_of(
    scenario: Scenario, cloud: Cloud, record_property: Record, pytestconfig: pytest.Config
) -> None:
    report = explore(scenario, cloud, whole=pytestconfig.getoption("--whole"))
    record_property("scenarios", 1)
    record_property("crash points", report.crash_points)
    record_property("schedules run", report.schedules)
    record_property("invariant violations", len(report.violations))
    assert report.violations == []
    assert report.crash_points or scenario.depth == 0
