"""A task as it is typed: `TYPE key=value key:=json`."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from ftask.cli import app
from ftask.cli.input_tasks import Sources, read_tasks
from ftask.cli.task_arguments import parse_arguments, split_type
from ftask.cli.usage import UsageError
from ftask.core.errors import PayloadError
from ftask.submission.job import InputTask


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["send", "a=1"], ("send", ["a=1"])),
        (["a=1", "b=2"], (None, ["a=1", "b=2"])),
        (["send"], ("send", [])),
        ([], (None, [])),
    ],
)
def test_the_first_word_is_the_type_unless_it_is_an_argument(
    words: list[str], expected: tuple[str | None, list[str]]
) -> None:
    assert split_type(words) == expected


def test_values_are_texts_or_json() -> None:
    arguments = ["id=17", "n:=17", "on:=true", 'tags:=["a","b"]', "url=http://x/?a:=b", "empty=", "time=10:30", "z=é"]
    assert parse_arguments(arguments) == {
        "id": "17",
        "n": 17,
        "on": True,
        "tags": ["a", "b"],
        "url": "http://x/?a:=b",
        "empty": "",
        "time": "10:30",
        "z": "é",
    }


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("x", "Invalid argument 'x': expected key=value or key:=json."),
        ("=5", "Invalid argument '=5': expected key=value or key:=json."),
        (":=5", "Invalid argument ':=5': expected key=value or key:=json."),
        ("n:=abc", "Invalid argument 'n:=abc': the value is not JSON."),
        ('n:=1,"m":2', "Invalid argument 'n:=1,\"m\":2': the value is not JSON."),
        ("n:=" + "[" * 100_000, "Invalid argument 'n:=" + "[" * 100_000 + "': the value is not JSON."),
        ("a=2", "Argument 'a' is given twice."),
    ],
)
def test_an_invalid_argument_is_named(argument: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_arguments(["a=1", argument])
    assert caught.value.message == message


@pytest.mark.parametrize("argument", ["n:=NaN", "n:=1e999", "n:=-Infinity", "n=\udcff"])
def test_a_value_that_json_cannot_carry_is_refused(argument: str) -> None:
    with pytest.raises(PayloadError):
        read_tasks(Sources("send", [argument]), print, print)


def test_an_invalid_argument_ends_the_command_with_2() -> None:
    done = CliRunner().invoke(app, ["submit", "send", "x"])
    assert (done.exit_code, done.stderr) == (2, "Error: Invalid argument 'x': expected key=value or key:=json.\n")


def test_every_source_of_payloads_takes_a_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "payload.json"
    file.write_text('{"a":1}')
    expected = [InputTask('{"a":1}', type="send")]
    assert read_tasks(Sources("send", ["a:=1"]), print, print) == expected
    assert read_tasks(Sources("send", payload='{"a": 1}'), print, print) == expected
    assert read_tasks(Sources("send", payload=f"@{file}"), print, print) == expected
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"a":1}')))
    assert read_tasks(Sources("send"), print, print) == expected


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_type_alone_is_a_task_without_arguments(monkeypatch: pytest.MonkeyPatch, is_terminal: bool) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: is_terminal, buffer=io.BytesIO()))
    assert read_tasks(Sources("tick"), print, print) == [InputTask("{}", type="tick")]


@pytest.mark.parametrize("task_type", [None, "experiment"])
def test_a_message_is_for_the_experiment(task_type: str | None) -> None:
    assert read_tasks(Sources(task_type, message="SUCCESS"), print, print) == [
        InputTask('{"message":"SUCCESS"}', type="experiment")
    ]


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (Sources("send", message="SUCCESS"), "--message is for the type experiment, not for 'send'."),
        (
            Sources("send", ["a=1"], payload="{}"),
            "Give only one of key=value arguments, --message, --payload and --file.",
        ),
        (
            Sources("experiment", message="a", file="b"),
            "Give only one of key=value arguments, --message, --payload and",
        ),
    ],
)
def test_sources_that_contradict_each_other_are_refused(sources: Sources, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_tasks(sources, print, print)
    assert caught.value.message.startswith(message)
