from __future__ import annotations

import json
from pathlib import Path

import pytest

from ftask.cli.payloads import Submission, read_payloads
from ftask.core.errors import PayloadError


def read(path: Path, content: str) -> tuple[list[Submission], list[str]]:
    file = path / "tasks.jsonl"
    file.write_text(content)
    warnings: list[str] = []
    return read_payloads(None, None, str(file), warnings.append), warnings


def test_each_line_is_a_task(tmp_path: Path) -> None:
    assert read(tmp_path, '{"a":1}\n\n{"b": 2}\n') == ([Submission('{"a":1}'), Submission('{"b":2}')], [])


def test_a_drained_letter_is_its_task_again_under_a_key_of_its_own(tmp_path: Path) -> None:
    line = {"ftaskDeadLetter": 1, "taskId": "ab" * 16, "epoch": 2, "payload": {"n": 10**40, "f": 0.1}}
    found, warnings = read(tmp_path, json.dumps(line))
    assert found == [Submission('{"n":1' + "0" * 40 + ',"f":0.1}', f"drained-{'ab' * 16}-2")]
    assert warnings == []


def test_a_drained_letter_without_a_task_is_left_out_and_said(tmp_path: Path) -> None:
    found, warnings = read(tmp_path, '{"a":1}\n{"ftaskDeadLetter":1,"body":"x"}\n')
    assert found == [Submission('{"a":1}')]
    assert "Line 2" in warnings[0]


def test_a_payload_that_only_mentions_the_mark_is_a_payload(tmp_path: Path) -> None:
    text = '{"note":"ftaskDeadLetter","x":{"ftaskDeadLetter":1}}'
    assert read(tmp_path, text) == ([Submission(text)], [])


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(PayloadError, match="Line 2"):
        read(tmp_path, '{"a":1}\nnot json\n')
