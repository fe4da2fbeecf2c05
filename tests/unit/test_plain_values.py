"""What is typed on a command line, with and without Typer's own conversion."""

from __future__ import annotations

import shlex
import subprocess
import sys
from enum import StrEnum
from typing import Annotated, Any

import pytest
import typer

from ftask.cli.plain_values import keep_plain_values


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def values(arguments: list[str], *, plain: bool) -> dict[str, Any] | str:
    """The values that a command gets for these arguments, or its error."""
    seen: dict[str, Any] = {}
    app = typer.Typer(add_completion=False)

    @app.command()
    def one(
        words: Annotated[list[str] | None, typer.Argument()] = None,
        text: str | None = None,
        many: Annotated[list[str] | None, typer.Option()] = None,
        colour: Colour = Colour.RED,
        number: Annotated[int, typer.Option(min=1)] = 5,
        seconds: float | None = None,
        upper: Annotated[str, typer.Option(parser=str.upper)] = "x",
        flag: bool = False,
        choice: bool | None = None,
    ) -> None:
        seen.update(locals())

    command: Any = typer.main.get_command(app)
    if plain:
        keep_plain_values(command.params)
    try:
        command.main(arguments, standalone_mode=False)
    except Exception as error:  # noqa: BLE001 - whatever Typer raises is what is compared
        return f"{type(error).__name__}: {getattr(error, 'message', error)}"
    del seen["seen"]
    return {name: (type(value), value) for name, value in seen.items()}


def test_values_are_converted() -> None:
    words = shlex.split("a --text b --many c --colour blue --number 7 --seconds 1.5 --upper d --flag --no-choice")
    made = values(words, plain=True)
    assert isinstance(made, dict)
    assert [value for _, value in made.values()] == [["a"], "b", ["c"], Colour.BLUE, 7, 1.5, "D", True, False]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a b=1",
        "--text a --many b --many c",
        "--text ",
        "--colour blue",
        "--colour BLUE",
        "--colour green",
        "--number 7 --seconds 1.5",
        "--number 0",
        "--number x",
        "--seconds x",
        "--upper abc",
        "--flag --no-choice",
    ],
)
def test_every_value_is_the_one_that_typer_makes(line: str) -> None:
    arguments = line.split(" ") if line else []
    assert values(arguments, plain=True) == values(arguments, plain=False)


@pytest.mark.parametrize("words", [["config", "-o", "json"], ["ls", "--help"], ["submit", "-m", "x", "--key", " "]])
def test_a_command_needs_no_pydantic_to_read_texts(words: list[str]) -> None:
    code = (
        "import sys\n"
        f"sys.argv = {['ftask', '--stage', 'prod', '--region', 'eu-west-1', *words]!r}\n"
        "from ftask.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n    print('imported:', 'pydantic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[-1] == "imported: False"
