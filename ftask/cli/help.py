"""`ftask help`: the help of a command, or a topic."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.cli import completion
from ftask.cli.failing import ParsingError
from ftask.cli.invocation import Invocation
from ftask.cli.topics import TOPICS
from ftask.cli.usage import UsageError


def help(  # noqa: A001 - the command's name
    run: Invocation,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND|TOPIC]...", autocompletion=completion.topics, help="A command or a topic."),
    ] = None,
) -> None:
    """Show the help of a command, or explain a topic; without either, list the topics.

    Examples:
        ftask help dlq redrive
        ftask help exit-codes
    """
    words = words or []
    if not words:
        lines = [f"  ftask help {name:<13}{title}" for name, (title, _) in TOPICS.items()]
        text = "\n".join(["Topics:", *lines, "", "Commands: ftask --help"])
        topics = {name: title for name, (title, _) in TOPICS.items()}
        run.screen.result(topics, lambda: text)
    elif len(words) == 1 and words[0] in TOPICS:
        _, text = TOPICS[words[0]]
        run.screen.result({words[0]: text}, lambda: text)
    else:
        try:
            run.find_root().command.main([*words, "--help"], prog_name="ftask", standalone_mode=False)
        except ParsingError as error:
            message: str = error.format_message()  # type: ignore[attr-defined]  # of Click
            raise UsageError(message, f"Topics: {', '.join(TOPICS)}. Commands: ftask --help") from error
