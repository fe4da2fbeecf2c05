"""`ftask submit --group`, `--unique` and `--tag`, and the same fields in a line of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftask.cli.input_tasks import Sources, read_tasks
from ftask.cli.label_options import label_options
from ftask.cli.usage import UsageError
from ftask.submission.job import Rejected


def test_options_become_the_fields_of_a_submission() -> None:
    assert label_options("acme", "1h", ["customer=42", "plan=pro"], "k") == {
        "group": "acme",
        "unique": 3600,
        "uniqueKey": "k",
        "tags": {"customer": "42", "plan": "pro"},
    }
    assert label_options(None, "until_done", None, None) == {"unique": "until_done"}
    assert label_options(None, None, None, "k") == {}


@pytest.mark.parametrize(
    ("group", "unique", "tags"),
    [
        ("a,b", None, None),
        (None, "soon", None),
        (None, "366d", None),
        (None, None, ["x"]),
        (None, None, ["x=1", "x=2"]),
    ],
)
def test_an_invalid_label_is_one_error(group: str | None, unique: str | None, tags: list[str] | None) -> None:
    with pytest.raises(UsageError):
        label_options(group, unique, tags, None)


def test_an_invalid_uniqueness_names_both_of_its_forms() -> None:
    with pytest.raises(UsageError, match="expected until_done or a duration like"):
        label_options(None, "soon", None, None)


def test_a_line_has_labels_and_an_invalid_line_holds_no_other_back(tmp_path: Path) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text(
        '{"type":"t","payload":{},"group":"a b"}\n{"type":"t","payload":{},"delay":-1}\n'
        '{"type":"t","payload":{},"group":"acme","unique":60,"tags":{"customer":"42"}}\n'
    )
    rejected: list[Rejected] = []
    [task] = read_tasks(Sources(file=str(file)), print, rejected.append)
    assert task.options == {"group": "acme", "unique": 60, "tags": {"customer": "42"}}
    assert [line.line for line in rejected] == [1, 2]
