"""What the documents say about commands, parameters, exit codes and messages is what the code has."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.cli.topics import TOPICS
from tests.support import reference
from tests.support.commands import COMMANDS, ROOT_COMMAND
from tests.support.resources import template

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / name
    for name in ("README.md", "stack/README.md", "tests/README.md", ".github/SECURITY.md", ".github/CONTRIBUTING.md")
]
README, STACK, *_ = (document.read_text() for document in DOCUMENTS)
CODE = re.compile(r"`([^`]+)`")


def rows(first_column: str, document: str) -> list[list[str]]:
    """The cells of each row of the table whose first column has this heading."""
    _, _, rest = document.partition(f"\n| {first_column} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    assert lines, f"no table of {first_column}"
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line[1:-1])] for line in lines]


def options(command: Any) -> set[str]:
    """The options of a command, and the global ones, which every command takes too."""
    parameters = [*command.get_params(typer.Context(command)), *ROOT_COMMAND.params]
    return {option for parameter in parameters for option in parameter.opts if option.startswith("-")}


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


def test_the_generated_tables_are_what_the_command_line_says(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--redraw"):
        reference.DOCUMENT.write_text(reference.rendered())
    assert reference.DOCUMENT.read_text() == reference.rendered()


def test_each_command_and_each_topic_with_a_table_is_in_the_tables() -> None:
    places = set(re.findall("<!-- generated: ([a-z-]+) -->", STACK))
    assert places == {"commands"} | {name for name, topic in TOPICS.items() if topic.rows} - {"agents"}
    named = [re.split(r" \[| [A-Z]", command)[0].strip("`") for command, _ in rows("command", STACK)]
    assert sorted(named) == sorted(f"ftask {name}" for name in COMMANDS)


def test_the_readme_can_be_read_in_ten_minutes() -> None:
    assert len(README.split()) <= 2_000


@pytest.mark.parametrize("call", examples())
def test_an_example_is_a_command_with_its_options(call: str) -> None:
    arguments = shlex.split(call, comments=True)[1:]
    words = [argument for argument in arguments if not argument.startswith("-")]
    name = next((path for path in (" ".join(words[:2]), words[0]) if path in COMMANDS), None)
    assert name is not None
    assert {argument for argument in arguments if argument.startswith("-")} <= options(COMMANDS[name])


def test_ci_runs_the_readmes_test_command() -> None:
    (command,) = (line for line in README.splitlines() if line.endswith("&& .venv/bin/pytest"))
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.fixture(scope="session")
def texts_of_the_code() -> list[str]:
    """Every text in the code but docstrings and the topics: of an f-string, its parts; of an error, its name."""
    texts = []
    for path in [*ROOT.glob("ftask/**/*.py"), *ROOT.glob("stack/**/*.py")]:
        if path.name != "topics.py":
            nodes = list(ast.walk(ast.parse(path.read_text())))
            docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
            texts += [node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in docstrings]
            texts += [node.name for node in nodes if isinstance(node, ast.ClassDef)]
    return [text for text in texts if isinstance(text, str)]


@pytest.mark.parametrize("message", TOPICS["troubleshooting"].rows)
def test_a_message_of_the_troubleshooting_is_one_of_the_code(message: str, texts_of_the_code: list[str]) -> None:
    # A name, like that of an error, is a whole text of the code; a message is a part of one.
    assert any(message in text if " " in message else message == text for text in texts_of_the_code)


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
