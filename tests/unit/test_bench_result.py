"""Results: written and read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ftask.bench.result import load
from ftask.core.errors import FtaskError
from tests.support.runs import a_bill, result


def test_a_result_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    written = result(cost=a_bill())
    path.write_text(json.dumps(written.json()))
    assert load(str(path)) == written


def test_the_json_has_what_others_rely_on() -> None:
    fields = result(cost=a_bill()).json()
    assert {"tasks", "completed", "failed", "lost", "verdict", "latency", "throughput", "cost"} <= fields.keys()
    assert {"observed", "expected", "low", "high"} <= fields["attemptErrorRate"].keys()
    assert {"observed", "expected", "pValue"} <= fields["failedShare"].keys()
    assert fields["schemaVersion"] == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "is not a result of this ftask bench: ftaskVersion: Field required"),
        ("not JSON", "is not a result of this ftask bench: Invalid JSON"),
        ('{"schemaVersion": 2}', "schemaVersion: Input should be 1"),
        (None, "cannot be read"),
    ],
)
def test_a_file_without_a_result_is_an_error(text: str | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(FtaskError, match=says):
        load(str(path))
