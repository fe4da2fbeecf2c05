"""The help of every command, and what the shell completes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.cli import MODULES, PANELS, app, completion
from ftask.cli.exit_codes import ExitCode
from ftask.cli.topics import TOPICS

ROOT: Any = typer.main.get_command(app)


def commands(group: Any = ROOT, path: str = "ftask") -> Iterator[tuple[str, Any]]:
    """Every command below `group` that does something, with what is typed for it."""
    for name, command in group.commands.items():
        if hasattr(command, "examples"):
            yield f"{path} {name}", command
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")


COMMANDS = dict(commands())


def parse(words: list[str]) -> str:
    """Parse a command line as far as the command would run; return what is typed for the command."""
    command, path = ROOT, "ftask"
    while words and words[0] in getattr(command, "commands", {}):
        command, path = command.commands[words[0]], f"{path} {words[0]}"
        words = words[1:]
    command.make_context(path, words, parent=ROOT.make_context("ftask", ["info"]))
    return path


def test_all_commands_are_looked_at() -> None:
    assert len(COMMANDS) >= 30
    assert {
        "ftask get",
        "ftask bench",
        "ftask bench sweep",
        "ftask dlq ls",
        "ftask local credentials",
    } <= COMMANDS.keys()


@pytest.mark.parametrize("path", COMMANDS)
def test_each_command_has_examples_of_itself_that_parse(path: str) -> None:
    examples = COMMANDS[path].examples
    assert 0 < len(examples) < 4
    for example in examples:
        called = [parse(shlex.split(call)[1:]) for call in re.findall(r"ftask [^|)]*", example.rstrip('"'))]
        assert path in called


def test_the_help_ends_with_the_examples_and_flags_have_no_type() -> None:
    for arguments in (["submit", "--help"], ["bench", "--help"], ["dlq", "show", "--help"]):
        text = CliRunner().invoke(app, arguments).stdout
        assert " Examples:\n   ftask " in text
        assert "Examples" not in text.partition("Global options")[0]
    for arguments in (["--help"], ["submit", "--help"], ["dlq", "--help"]):
        assert "<bool>" not in CliRunner().invoke(app, arguments).stdout


def test_commands_are_in_groups() -> None:
    text = CliRunner().invoke(app, ["--help"]).stdout
    positions = [text.index(f"\u2500 {title} \u2500") for title in PANELS]
    assert positions == sorted(positions)
    assert list(ROOT.commands) == list(MODULES)
    assert "Commands" not in text


def test_a_mistyped_command_is_suggested() -> None:
    assert "Did you mean 'redrive'?" in CliRunner().invoke(app, ["dlq", "redrve"]).stderr
    assert "Did you mean 'submit'" in CliRunner().invoke(app, ["submti"]).stderr


def test_parameters_of_the_stack_are_completed_but_those_that_a_deployment_sets() -> None:
    names = {name.removesuffix("=") for name in completion.parameters()}
    assert {"ErrorRate", "WorkerTimeout", "KmsKeyArn"} <= names
    assert not names & MANAGED_PARAMETERS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ftask ls --status F", ["FAILED"]),
        ("ftask cancel --status P", ["PENDING", "PROCESSING"]),
        ("ftask logs --level W", ["WARNING"]),
        ("ftask logs --function w", ["worker"]),
        ("ftask deploy --param ErrorR", ["ErrorRate="]),
    ],
)
def test_the_shell_completes_values(line: str, expected: list[str]) -> None:
    environment = {"_FTASK_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "3"}
    done = CliRunner().invoke(app, [], env=environment, prog_name="ftask")
    assert done.stdout.split() == expected


def test_help_shows_a_command_as_its_option_does() -> None:
    by_command = CliRunner().invoke(app, ["help", "dlq", "redrive"])
    assert by_command.exit_code == 0
    assert by_command.stdout == CliRunner().invoke(app, ["dlq", "redrive", "--help"], prog_name="ftask").stdout


def test_help_lists_the_topics_and_explains_each() -> None:
    listed = CliRunner().invoke(app, ["help"]).stdout
    for topic, (title, text) in TOPICS.items():
        assert f"ftask help {topic:<13}{title}" in listed
        assert CliRunner().invoke(app, ["help", topic]).stdout == f"{text}\n"


def test_the_topics_name_all_exit_codes_and_variables() -> None:
    codes = re.findall(r"^(\d+) ", TOPICS["exit-codes"][1], re.MULTILINE)
    assert set(map(int, codes)) == set(ExitCode)
    named = re.findall(r"^FTASK_\w+", TOPICS["environment"][1], re.MULTILINE)
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert set(named) == set(
        re.findall(r"FTASK_[A-Z_]+", readme.partition("| environment variable |")[2].partition("\n\n")[0])
    )


def test_help_of_an_unknown_word_is_a_wrong_call() -> None:
    done = CliRunner().invoke(app, ["help", "submti"])
    assert done.exit_code == 2
    assert "No such command 'submti'" in done.stderr
    assert "Topics: exit-codes, output" in done.stderr
