from __future__ import annotations

import json
from pathlib import Path

import pytest

from ftask.cli.ledger import Ledger
from ftask.cli.payloads import Rejected, Submission, read_payloads
from ftask.core.errors import FtaskError, PayloadError


def read(path: Path, content: str) -> tuple[list[Submission], list[str]]:
    file = path / "tasks.jsonl"
    file.write_text(content)
    warnings: list[str] = []
    return read_payloads(None, None, str(file), warnings.append), warnings


def test_each_line_is_a_task(tmp_path: Path) -> None:
    assert read(tmp_path, '{"a":1}\n\n{"b": 2}\n') == (
        [Submission('{"a":1}', line=1), Submission('{"b":2}', line=3)],
        [],
    )


def test_a_drained_letter_is_its_task_again_under_a_key_of_its_own(tmp_path: Path) -> None:
    line = {"ftaskDeadLetter": 1, "taskId": "ab" * 16, "epoch": 2, "payload": {"n": 10**40, "f": 0.1}}
    found, warnings = read(tmp_path, json.dumps(line))
    assert found == [Submission('{"n":1' + "0" * 40 + ',"f":0.1}', f"drained-{'ab' * 16}-2", 1)]
    assert warnings == []


def test_a_drained_letter_without_a_task_is_left_out_and_said(tmp_path: Path) -> None:
    found, warnings = read(tmp_path, '{"a":1}\n{"ftaskDeadLetter":1,"body":"x"}\n')
    assert found == [Submission('{"a":1}', line=1)]
    assert "Line 2" in warnings[0]


def test_a_payload_that_only_mentions_the_mark_is_a_payload(tmp_path: Path) -> None:
    text = '{"note":"ftaskDeadLetter","x":{"ftaskDeadLetter":1}}'
    assert read(tmp_path, text) == ([Submission(text, line=1)], [])


def test_a_bad_line_is_set_aside_and_keeps_no_other_back(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text('nonsense\n{"a":1}\n[]\n')
    rejected: list[Rejected] = []
    assert read_payloads(None, None, str(file), print, rejected.append) == [Submission('{"a":1}', line=2)]
    assert [(each.line, each.text) for each in rejected] == [(1, "nonsense"), (3, "[]")]


def test_a_bad_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(PayloadError, match="Line 2"):
        read(tmp_path, '{"a":1}\nnot json\n')


def a_ledger(path: Path) -> Ledger:
    return Ledger(path / "tasks.jsonl.local.accepted")


def test_a_ledger_knows_what_was_accepted_and_gives_the_same_text_the_same_key(tmp_path: Path) -> None:
    submissions = [Submission('{"a":1}'), Submission('{"b":1}'), Submission('{"a":1}'), Submission("{}", "own")]
    with a_ledger(tmp_path) as first:
        keyed = first.keyed(submissions)
        assert len({each.key for each in keyed}) == 4
        assert keyed[3].key == "own"
        first.note([(keyed[0].key, "t0"), (keyed[3].key, "t3")])
    with a_ledger(tmp_path) as second:
        # A line before them does not make them others.
        again = second.keyed([Submission("[]"), *submissions])[1:]
        assert again == keyed
        assert [second.has(each) for each in again] == [True, False, False, True]


def test_half_a_line_of_a_ledger_is_asked_for_again(tmp_path: Path) -> None:
    with a_ledger(tmp_path) as ledger:
        keyed = ledger.keyed([Submission("{}")])
        ledger.note([(keyed[0].key, "t")])
    text = ledger.path.read_text()
    ledger.path.write_text(text[:-9])
    with a_ledger(tmp_path) as ledger:
        assert not ledger.has(keyed[0])


def test_another_file_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "tasks.jsonl.local.accepted").write_text("my notes\n")
    with pytest.raises(FtaskError, match="no record of accepted tasks"):
        a_ledger(tmp_path)
