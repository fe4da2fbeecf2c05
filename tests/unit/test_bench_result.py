"""Results: written and read back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ftask.bench.cost_notes import cost_notes
from ftask.bench.report import render, render_comparison
from ftask.bench.result import load, schema
from ftask.core.errors import FtaskError
from tests.support.runs import a_bill, result

# Only one process imports matplotlib, which takes half a second.
pytestmark = pytest.mark.xdist_group("matplotlib")


def test_a_result_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    written = result(cost=a_bill())
    path.write_text(json.dumps(written.dump()))
    assert load(str(path)) == written


def test_a_file_of_an_earlier_version_is_read_without_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    fields = result(cost=a_bill()).dump()
    for name in ("states", "errors", "machine"):
        del fields[name]
    for name in ("durations", "localGbSeconds", "tasksPerRequest", "payloadBytes", "ways", "monthly"):
        del fields["cost"][name]
    path.write_text(json.dumps(fields))
    read = load(str(path))
    assert (read.states, read.errors, read.machine) == ([], [], None)
    assert read.cost is not None
    assert cost_notes(read.cost)[1] == "Durations measured on AWS."
    page = render(read)
    assert page.count('<svg class="plot"') == 6
    assert "On which machine?" not in page
    assert render_comparison(read, read, ("a", "b")).count('<svg class="plot"') == 2


def test_the_json_has_what_others_rely_on() -> None:
    fields = result(cost=a_bill()).dump()
    assert {"tasks", "completed", "failed", "lost", "verdict", "latency", "throughput", "cost"} <= fields.keys()
    assert {"observed", "expected", "low", "high"} <= fields["attemptErrorRate"].keys()
    assert {"observed", "expected", "pValue"} <= fields["failedShare"].keys()
    assert fields["schemaVersion"] == 1
    assert fields.keys() == schema()["properties"].keys()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "is not a result of ftask bench"),
        ("not JSON", "is not a result of ftask bench"),
        ('{"schemaVersion": 2}', "schema version 2"),
        ('{"schemaVersion": 1}', "is not a complete result"),
        (None, "cannot be read"),
    ],
)
def test_a_file_without_a_result_is_an_error(text: str | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(FtaskError, match=says):
        load(str(path))
