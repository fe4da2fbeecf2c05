"""The manual page of ftask in roff, made from the commands and the topics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from ftask.cli.options import NAMES
from ftask.cli.topics import TOPICS, is_code
from ftask.distribution import NAME, own_version


def manual(root: Any) -> str:
    """Return the manual page. `root` is the command `ftask`."""
    context = typer.Context(root, info_name="ftask")
    lines = [
        f'.TH FTASK 1 "" "{NAME} {own_version()}"',
        *(".nh", ".ad l", ".SH NAME", rf"ftask \- {_text(root.help)}"),
        *(".SH SYNOPSIS", "ftask [OPTIONS] COMMAND [ARGS]..."),
        *(".SH GLOBAL OPTIONS", "Every command takes them, before or after its name."),
        *_parameters(root, context),
        ".SH COMMANDS",
    ]
    for command, below in commands(root, context):
        lines += [f".SS {_text(usage(command, below))}", *_paragraphs(command.help.split("\n\n"))]
        lines += _parameters(command, below, NAMES)
        if getattr(command, "examples", ()):
            lines += [".PP", "Examples:", *_code(command.examples)]
    for name, topic in TOPICS.items():
        lines += [f".SH {name.upper().replace('-', ' ')}", *_paragraphs(topic.paragraphs)]
        for term, meaning in topic.rows.items():
            lines += [".TP", f".B {_text(term)}", _text(meaning)]
    return "\n".join(lines)


def commands(group: Any, context: typer.Context) -> Iterator[tuple[Any, typer.Context]]:
    """Return each command below `group` with its context."""
    for name in group.list_commands(context):
        command = group.resolve_command(context, [name])[1]
        below = typer.Context(command, info_name=name, parent=context)
        # A group without examples does nothing without one of its commands.
        if hasattr(command, "examples"):
            yield command, below
        if hasattr(command, "list_commands"):
            yield from commands(command, below)


def usage(command: Any, context: typer.Context) -> str:
    """Return what is typed for a command: its words and arguments, without options."""
    arguments = [part.metavar for part in command.get_params(context) if part.param_type_name == "argument"]
    return " ".join([context.command_path, *arguments])


def _parameters(command: Any, context: typer.Context, left_out: tuple[str, ...] = ()) -> Iterator[str]:
    for parameter in command.get_params(context):
        if parameter.name not in {*left_out, "help"}:
            names, text = parameter.get_help_record(context)
            is_argument = parameter.param_type_name == "argument"
            yield from (".TP", f".B {_text(parameter.metavar if is_argument else names)}", _text(text))


def _paragraphs(texts: list[str]) -> Iterator[str]:
    for text in texts:
        yield ".PP"
        yield from _code(text.splitlines()) if is_code(text) else [_text(text)]


def _code(lines: list[str]) -> list[str]:
    return [".RS 4", ".nf", *(_text(line.strip()) for line in lines), ".fi", ".RE"]


def _text(text: str) -> str:
    """Return a text as one line of roff, in which no character has another meaning."""
    line = (
        re.sub(r"\s+", " ", text).replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq").replace("`", r"\(ga")
    )
    return rf"\&{line}" if line.startswith(".") else line
