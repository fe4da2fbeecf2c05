"""The help of every command, and what the shell completes."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.cli import MODULES, PANELS, app, load
from ftask.cli.manual import commands
from ftask.cli.topics import TOPICS

ROOT: Any = typer.main.get_command(app)


COMMANDS = {
    context.command_path: command for command, context in commands(ROOT, typer.Context(ROOT, info_name="ftask"))
}


def parse(words: list[str]) -> str:
    """Parse a command line as far as the command would run; return what is typed for the command."""
    command, path = ROOT, "ftask"
    root = ROOT.make_context("ftask", ["info"])
    while words and words[0] in getattr(command, "commands", {}):
        path = f"{path} {words[0]}"
        _, command, words = command.resolve_command(root, words)
    command.make_context(path, words, parent=root)
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


@pytest.mark.parametrize("name", MODULES)
def test_the_list_of_commands_says_of_each_what_its_own_help_begins_with(name: str) -> None:
    listed = next(panel[name] for panel in PANELS.values() if name in panel)
    assert load(name).help.startswith(listed)


def test_a_mistyped_command_is_suggested() -> None:
    assert "Did you mean 'redrive'?" in CliRunner().invoke(app, ["dlq", "redrve"]).stderr
    assert "Did you mean 'submit'" in CliRunner().invoke(app, ["submti"]).stderr


def test_parameters_of_the_stack_are_completed_but_those_that_a_deployment_sets() -> None:
    names = {name.removesuffix("=") for name in complete("ftask deploy --param ")}
    assert {"ErrorRate", "WorkerTimeout", "KmsKeyArn"} <= names
    assert not names & MANAGED_PARAMETERS


def complete(line: str) -> list[str]:
    environment = {"_FTASK_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "3"}
    return CliRunner().invoke(app, [], env=environment, prog_name="ftask").stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ftask ls --status F", ["FAILED"]),
        ("ftask cancel --status P", ["PENDING", "PROCESSING"]),
        ("ftask logs --level W", ["WARNING"]),
        ("ftask logs --function w", ["worker"]),
        ("ftask deploy --param ErrorR", ["ErrorRate="]),
        ("ftask ls --columns task,er", ["task,error"]),
    ],
)
def test_the_shell_completes_values(line: str, expected: list[str]) -> None:
    assert complete(line) == expected


def test_help_shows_a_command_as_its_option_does() -> None:
    by_command = CliRunner().invoke(app, ["help", "dlq", "redrive"])
    assert by_command.exit_code == 0
    assert by_command.stdout == CliRunner().invoke(app, ["dlq", "redrive", "--help"], prog_name="ftask").stdout


def test_help_lists_the_topics_and_explains_each() -> None:
    listed = CliRunner().invoke(app, ["help"]).stdout
    for name, topic in TOPICS.items():
        assert re.search(rf"^  ftask help {name} +{re.escape(topic.title)}$", listed, re.MULTILINE)
        explained = CliRunner().invoke(app, ["help", name]).stdout
        # Whole words, in any layout.
        assert all(
            " ".join(text.split()) in " ".join(explained.split()) for text in [*topic.paragraphs, *topic.rows.values()]
        )


def test_a_topic_fits_into_the_narrowest_terminal() -> None:
    for name in TOPICS:
        assert max(map(len, CliRunner().invoke(app, ["help", name]).stdout.splitlines())) <= 80


def test_the_topics_name_all_variables_of_options() -> None:
    variables = {
        name
        for option in ROOT.params
        for name in ([option.envvar] if isinstance(option.envvar, str) else option.envvar or [])
    }
    assert {name for name in variables if name.startswith("FTASK_")} <= TOPICS["environment"].rows.keys()


def test_the_runbook_for_agents_has_only_commands_that_parse() -> None:
    calls = [line.strip() for line in TOPICS["agents"].text.splitlines() if line.startswith("  ftask ")]
    assert len(calls) > 10
    for call in calls:
        words = shlex.split(call)
        assert parse(words[1:]) in COMMANDS
        assert words[-2:] == ["-o", "json"]


def test_the_manual_page_has_every_command_option_topic_and_example() -> None:
    page = CliRunner().invoke(app, ["help", "--man"]).stdout.replace(r"\-", "-")
    for path, command in COMMANDS.items():
        assert re.search(rf"^\.SS {path}( |$)", page, re.MULTILINE)
        options = {option for parameter in command.get_params(typer.Context(command)) for option in parameter.opts}
        missing = {option for option in options if option.startswith("-") and option not in page}
        assert missing <= {"--help", "-h"}
    for name, topic in TOPICS.items():
        assert f".SH {name.upper().replace('-', ' ')}\n" in page
        assert all(f".B {term}\n" in page for term in topic.rows)


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_page_is_valid_roff() -> None:
    page = CliRunner().invoke(app, ["help", "--man"]).stdout
    done = subprocess.run(
        ["/usr/bin/env", "groff", "-man", "-ww", "-Kutf8", "-Tutf8"],
        input=page,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    assert "ftask submit" in done.stdout


def test_the_manual_page_shows_no_single_command() -> None:
    done = CliRunner().invoke(app, ["help", "--man", "ls"])
    assert done.exit_code == 2
    assert "ftask help --man" in done.stderr


def test_help_of_an_unknown_word_is_a_wrong_call() -> None:
    done = CliRunner().invoke(app, ["help", "submti"])
    assert done.exit_code == 2
    assert "No such command 'submti'" in done.stderr
    assert "Topics: exit-codes, output" in done.stderr
