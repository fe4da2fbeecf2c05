from __future__ import annotations

import json
import tempfile
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from ftask.core.errors import FtaskError
from ftask.ops.spool import Spool
from ftask.render.screen import Screen


def a_spool() -> Spool[str]:
    return Spool(str, str)


def test_values_come_back_in_order_again_and_again_while_more_are_added() -> None:
    spool = a_spool()
    assert (list(spool), len(spool), spool.first) == ([], 0, None)
    expected: list[str] = []
    # More than stays in memory; a value with every kind of line end, and half of a surrogate pair.
    for number in range(30):
        expected.append(f"{number}\n\r\u2028\ud800" + "x" * 100_000)
        spool.append(expected[-1])
        assert list(islice(spool, 2)) == expected[:2]
    reading = iter(spool)
    assert next(reading) == expected[0]
    spool.append("last")
    assert [*expected[1:], "last"] == list(reading)
    assert (len(spool), spool.first) == (31, expected[0])


def test_a_full_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    spool = a_spool()

    def full(_: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool._file, "write", full)
    with pytest.raises(FtaskError, match="No space left on device") as caught:
        spool.append("a")
    assert "TMPDIR" in str(caught.value.hint)


def test_a_spool_in_a_folder_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    spool = a_spool()
    with pytest.raises(FtaskError, match="missing: No such file or directory"):
        spool.append("x" * 2_000_000)


@pytest.mark.parametrize("values", [[], [{"a": 1}], [{"a": [1, {"b": "é\n"}]}, {}, {"c": None}]])
def test_many_results_are_written_as_one_document(values: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    monkeypatch.setattr("sys.stdout", out)
    Screen(json=True).results((value, "text") for value in values)
    assert out.getvalue() == json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    Screen().results((value, "a line") for value in values)
    assert out.getvalue().endswith("a line\n" * len(values))
