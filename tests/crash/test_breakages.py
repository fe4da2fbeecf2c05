"""The tests are tested: a protocol that is broken on purpose is always found out."""

from __future__ import annotations

import pytest

from tests.crash.breakages import BREAKAGES, Broken
from tests.crash.cloud import Cloud
from tests.crash.explore import explore
from tests.crash.stories import SCENARIOS
from tests.support.figures import Record

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda broken: broken.what)
def test_a_breakage_is_found_out(broken: Broken, cloud: Cloud, record_property: Record) -> None:
    record_property("breakages", 1)
    reports = (explore(BY_NAME[name], cloud, broken.breakage) for name in broken.shown_by)
    violation = next((report.violations[0] for report in reports if report.violations), None)
    assert violation is not None, f"nobody notices: {broken.what}"
    assert "never struck" not in violation
    record_property("breakages caught", 1)
