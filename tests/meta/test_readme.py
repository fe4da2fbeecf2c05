"""What the documents say about commands, parameters, exit codes and messages is what the code has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.cli import app
from ftask.cli.exit_codes import ExitCode
from tests.support.resources import template

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / name
    for name in ("README.md", "stack/README.md", "tests/README.md", ".github/SECURITY.md", ".github/CONTRIBUTING.md")
]
README, STACK, *_ = (document.read_text() for document in DOCUMENTS)
CODE = re.compile(r"`([^`]+)`")


def rows(first_column: str, document: str = README) -> list[list[str]]:
    """The cells of each row of the table whose first column has this heading."""
    _, _, rest = document.partition(f"\n| {first_column} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    assert lines, f"no table of {first_column}"
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command by its full name, also a group that does something without one of its commands."""
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))
    if path and getattr(group, "invoke_without_command", True):
        yield " ".join(path), group


ROOT_COMMAND = typer.main.get_command(app)
COMMANDS = dict(commands(ROOT_COMMAND))


def options(command: Any) -> set[str]:
    """The options of a command, and the global ones, which every command takes too."""
    parameters = [*command.get_params(typer.Context(command)), *ROOT_COMMAND.params]
    return {option for parameter in parameters for option in parameter.opts if option.startswith("-")}


def named_in(cell: str) -> list[str]:
    """The commands that a cell names: "`ftask dlq show ID`, `dlq ls`" are `dlq show` and `dlq ls`."""
    return [re.split(r" \[| [A-Z]", code.removeprefix("ftask "))[0] for code in CODE.findall(cell)]


def examples() -> list[str]:
    """Every call of ftask in the shell examples, without what it is joined to."""
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    calls = (part.strip() for line in blocks.splitlines() for part in re.split(r"&&|\||\$\(|\)", line))
    return [call.removeprefix(".venv/bin/") for call in calls if call.removeprefix(".venv/bin/").startswith("ftask ")]


def test_the_table_of_parameters_is_the_template() -> None:
    shown: dict[str, str] = {}
    for names, defaults, _ in rows("parameter", STACK):
        parameters = CODE.findall(names)
        values = defaults.split(", ") if defaults else [""] * len(parameters)
        shown |= dict(zip(parameters, values, strict=True))
    declared = template()["Parameters"].items()
    assert shown == {
        name: str(parameter.get("Default", "")) for name, parameter in declared if name not in MANAGED_PARAMETERS
    }


def test_the_table_of_commands_is_the_command_line() -> None:
    named = [name for cell, _ in rows("command") for name in named_in(cell)]
    assert sorted(named) == sorted(COMMANDS)


@pytest.mark.parametrize(("cell", "text"), rows("command"))
def test_a_row_names_only_options_of_its_commands(cell: str, text: str) -> None:
    known = set().union(*(options(COMMANDS[name]) for name in named_in(cell)))
    assert set(re.findall(r"(--[a-z-]+)", text)) <= known


@pytest.mark.parametrize("call", examples())
def test_an_example_is_a_command_with_its_options(call: str) -> None:
    arguments = shlex.split(call, comments=True)[1:]
    words = [argument for argument in arguments if not argument.startswith("-")]
    name = next((path for path in (" ".join(words[:2]), words[0]) if path in COMMANDS), None)
    assert name is not None
    assert {argument for argument in arguments if argument.startswith("-")} <= options(COMMANDS[name])


def test_the_table_of_exit_codes_is_complete() -> None:
    assert [int(code) for code, _ in rows("exit code")] == sorted(ExitCode)


def test_ci_runs_the_readmes_test_command() -> None:
    (command,) = (line for line in README.splitlines() if line.endswith("&& .venv/bin/pytest"))
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize("message", [cell for cell, _ in rows("message") if cell.startswith("`")])
def test_a_message_of_the_troubleshooting_is_one_of_the_code(message: str) -> None:
    (text,) = CODE.findall(message)
    # A message may be put together from a constant: "Another program uses port 4566, which FTASK_LOCAL_PORT names."
    sources = [path.read_text() for folder in ("ftask", "stack") for path in (ROOT / folder).rglob("*.py")]
    assert any(text in source for source in sources)


def anchors(document: Path) -> set[str]:
    """The sections of a document, as a link names them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_sections_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text()
    files = set(re.findall(r"(?<![\w/.])((?:ftask|stack|tests)/[\w./]+\w)", text))
    assert {name for name in files if not (ROOT / name).exists()} == set()
    links = [link for link in re.findall(r"\]\(\s*([^)\s]+)\)", text) if "://" not in link]
    for path, _, section in (link.partition("#") for link in links):
        target = (document.parent / path) if path else document
        assert target.exists(), path
        assert not section or section in anchors(target), section
