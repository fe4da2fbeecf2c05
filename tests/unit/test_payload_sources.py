from __future__ import annotations

import json
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from ftask.cli.input_tasks import Sources, read_tasks
from ftask.cli.usage import UsageError
from ftask.core.errors import PayloadError
from ftask.submission.job import InputTask, Rejected


def read(path: Path, content: str) -> tuple[list[InputTask], list[str]]:
    file = path / "tasks.jsonl"
    file.write_text(content)
    warnings: list[str] = []
    rejected: list[Rejected] = []
    tasks = list(read_tasks(Sources(file=str(file)), warnings.append, rejected.append))
    assert rejected == []
    return tasks, warnings


def test_each_line_is_a_task(tmp_path: Path) -> None:
    assert read(tmp_path, '{"a":1}\n\n{"b": 2}\n') == (
        [InputTask('{"a":1}', line=1), InputTask('{"b":2}', line=3)],
        [],
    )


def test_lines_end_as_on_any_system(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_bytes(b'{"a":1}\r\n\r\n{"b":2}\r{"c":3}\n{"d":"\xe2\x80\xa8"}')
    tasks = list(read_tasks(Sources(file=str(file)), print, print))
    assert [(task.payload, task.line) for task in tasks] == [
        ('{"a":1}', 1),
        ('{"b":2}', 3),
        ('{"c":3}', 4),
        ('{"d":"\u2028"}', 5),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    assert read(tmp_path, '\ufeff{"a":1}\n{"b":2}')[0] == [InputTask('{"a":1}', line=1), InputTask('{"b":2}', line=2)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_refused_as_a_whole(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text('{"a":1}\n{"b":2}\n', encoding=encoding)
    rejected: list[Rejected] = []
    with pytest.raises(UsageError, match=r"tasks\.jsonl is UTF-16; expected UTF-8") as refused:
        list(read_tasks(Sources(file=str(file)), print, rejected.append))
    assert refused.value.hint == "Convert it with: iconv -f UTF-16 -t UTF-8"
    assert rejected == []


def test_a_drained_letter_is_its_task_again_under_a_key_of_its_own(tmp_path: Path) -> None:
    line = {"ftaskDeadLetter": 1, "taskId": "ab" * 16, "epoch": 2, "payload": {"n": 10**40, "f": 0.1}}
    tasks, warnings = read(tmp_path, json.dumps(line))
    assert tasks == [InputTask('{"n":1' + "0" * 40 + ',"f":0.1}', f"drained-{'ab' * 16}-2", 1)]
    assert warnings == []


def test_a_drained_letter_keeps_its_type(tmp_path: Path) -> None:
    line = {"ftaskDeadLetter": 1, "taskId": "ab" * 16, "epoch": 0, "type": "send", "payload": {"n": 1}}
    (task,), _ = read(tmp_path, json.dumps(line))
    assert task == InputTask('{"n":1}', f"drained-{'ab' * 16}-0", 1, "send")


def test_a_drained_letter_keeps_its_group_and_its_tags(tmp_path: Path) -> None:
    labels = {"group": "acme", "tags": {"customer": "42"}}
    line = {"ftaskDeadLetter": 1, "taskId": "ab" * 16, "epoch": 0, "type": "send", "payload": {}, **labels}
    (task,), _ = read(tmp_path, json.dumps(line))
    assert task.options == labels


def test_a_line_of_type_and_payload_is_a_task_of_that_type(tmp_path: Path) -> None:
    lines = [
        '{"type":"send","payload":{"a":1}}',
        '{"type":"send","payload":{"a":1},"idempotencyKey":"k"}',
        '{"type":"send","payload":{"a":1},"more":1}',
        '{"type":"send"}',
    ]
    tasks, _ = read(tmp_path, "\n".join(lines))
    assert tasks == [
        InputTask('{"a":1}', None, 1, "send", options={}),
        InputTask('{"a":1}', "k", 2, "send", options={}),
        InputTask(lines[2], None, 3),
        InputTask(lines[3], None, 4),
    ]


def test_the_type_of_the_command_is_for_lines_that_name_none(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text('{"a":1}\n{"type":"other","payload":{}}\n')
    tasks = read_tasks(Sources("send", file=str(file)), print, print)
    assert [task.type for task in tasks] == ["send", "other"]


@pytest.mark.parametrize(
    "line", ['{"type":1,"payload":{}}', '{"type":"a","payload":[]}', '{"type":"a","payload":{},"idempotencyKey":1}']
)
def test_a_line_of_type_and_payload_of_wrong_kinds_is_rejected(tmp_path: Path, line: str) -> None:
    (tmp_path / "tasks.jsonl").write_text(line)
    rejected: list[Rejected] = []
    assert list(read_tasks(Sources(file=str(tmp_path / "tasks.jsonl")), print, rejected.append)) == []
    assert rejected[0].reason.startswith("Invalid task: expected a string as `type`, an object as")


def test_a_rejected_task_is_kept_as_a_line_that_names_its_type(tmp_path: Path) -> None:
    (task,), _ = read(tmp_path, '{"type":"send","payload":{"a":1}}')
    assert read(tmp_path, task.text)[0] == [task]


def test_a_drained_letter_without_a_task_is_left_out_and_said(tmp_path: Path) -> None:
    tasks, warnings = read(tmp_path, '{"a":1}\n{"ftaskDeadLetter":1,"body":"x"}\n')
    assert tasks == [InputTask('{"a":1}', line=1)]
    assert "line 2" in warnings[0]


def test_a_payload_that_only_mentions_the_mark_is_a_payload(tmp_path: Path) -> None:
    text = '{"note":"ftaskDeadLetter","x":{"ftaskDeadLetter":1}}'
    assert read(tmp_path, text) == ([InputTask(text, line=1)], [])


def test_a_bad_line_is_set_aside_and_keeps_no_other_back(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text('nonsense\n{"a":1}\n[]\n')
    rejected: list[Rejected] = []
    assert list(read_tasks(Sources(file=str(file)), print, rejected.append)) == [InputTask('{"a":1}', line=2)]
    assert [(line.line, line.text) for line in rejected] == [(1, "nonsense"), (3, "[]")]


def test_a_bad_line_of_stdin_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b'{"a":1}\nnot json\n')))
    with pytest.raises(PayloadError, match="Line 2"):
        list(read_tasks(Sources(file="-"), print, print))
