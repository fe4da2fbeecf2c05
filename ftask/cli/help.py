"""`ftask help`: the help of a command, a topic, or the whole manual page."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.cli import MODULES
from ftask.cli.invocation import Invocation
from ftask.cli.manual import manual
from ftask.cli.selecting import words
from ftask.cli.topics import TOPICS
from ftask.cli.usage import UsageError


def help(  # noqa: A001 - the command's name
    run: Invocation,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND|TOPIC]...", autocompletion=words([*TOPICS, *MODULES]), help="A command or a topic."
        ),
    ] = None,
    man: Annotated[bool, typer.Option("--man", help="Print the manual page of all commands and topics.")] = False,
) -> None:
    """Show the help of a command, or explain a topic; without either, list the topics.

    Examples:
        ftask help dlq redrive
        ftask help exit-codes
        ftask help --man | man -l -
    """
    words = words or []
    root = run.find_root().command
    if man and words:
        raise UsageError(f"--man prints everything, and cannot show only {' '.join(words)!r}.", "ftask help --man")
    if man:
        text = manual(root)
        run.screen.result({"man": text}, lambda: text)
    elif not words:
        width = max(map(len, TOPICS)) + 2
        listed = "\n".join(f"  ftask help {name:<{width}}{topic.title}" for name, topic in TOPICS.items())
        text = f"Topics:\n{listed}\n\nCommands:     ftask --help\nManual page:  ftask help --man | man -l -"
        run.screen.result({name: topic.title for name, topic in TOPICS.items()}, lambda: text)
    elif len(words) == 1 and words[0] in TOPICS:
        text = str(TOPICS[words[0]])
        run.screen.result({words[0]: text}, lambda: text)
    else:
        try:
            root.main([*words, "--help"], prog_name="ftask", standalone_mode=False)
        except typer.TyperException as error:
            raise UsageError(error.format_message(), f"Topics: {', '.join(TOPICS)}. Commands: ftask --help") from error
