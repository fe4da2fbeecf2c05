"""How a command reports an error: one sentence and a hint on stderr, or one line of JSON with `-o json`."""

from __future__ import annotations

import codecs
import errno
import json
import os
import sys
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from itertools import pairwise
from pathlib import Path

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.options import Output
from ftask.render.screen import say_error, say_error_json

_ESCAPE = "ftask-json"
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Write the characters that an encoding lacks as JSON writes them in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


codecs.register_error(_ESCAPE, _escaped)


def prepare_streams() -> None:
    """Open the standard streams that the caller closed, all but stdout; show what their encoding lacks as `?`.

    JSON keeps such characters, as escapes.

    Raises:
        SystemExit: stdout is closed, so that no result could be written.
    """
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open()  # noqa: SIM115 - it stays open
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - it stays open
    errors = _ESCAPE if wants_json(sys.argv[1:], os.environ) else "replace"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors=errors)
    if sys.stdout is None:
        report(
            "stdout is closed, so no result can be written. Nothing changed.",
            "To discard the result, run the command with: >/dev/null",
            ExitCode.USAGE,
            json=wants_json(sys.argv[1:], os.environ),
        )
        sys.exit(ExitCode.USAGE)


def refuse_unreadable(arguments: Sequence[str]) -> None:
    """Exit with a message if an argument is not text: Python marks the bytes that it could not decode."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            shown = argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            report(
                f"Invalid argument {shown!r}: expected text in UTF-8.",
                "Check the encoding of your terminal.",
                ExitCode.USAGE,
                json=wants_json(arguments, os.environ),
            )
            sys.exit(ExitCode.USAGE)


def wants_json(arguments: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Return whether a command line that cannot be parsed asks for JSON."""
    chosen = variables.get("FTASK_OUTPUT")
    for argument, following in pairwise([*arguments, ""]):
        if argument in ("-o", "--output"):
            chosen = following
        elif argument.startswith("--output="):
            chosen = argument.removeprefix("--output=")
        elif argument.startswith("-o"):
            chosen = argument.removeprefix("-o")
    return chosen == Output.JSON


def report(message: str, hint: str | None, code: ExitCode, *, json: bool) -> None:
    """Write one error to stderr."""
    if json:
        say_error_json(message, hint, code)
    else:
        say_error(message, hint)


def report_parsing(error: typer.TyperException, arguments: Sequence[str]) -> ExitCode:
    """Report a command line that cannot be parsed."""
    # Without arguments Typer has printed the help, and has nothing more to say.
    if message := error.format_message():
        context: typer.Context | None = getattr(error, "ctx", None)
        hint = f"See: {context.command_path} --help" if context else None
        report(message, hint, ExitCode.USAGE, json=wants_json(arguments, os.environ))
    return ExitCode.USAGE


def file_error_text(error: OSError) -> tuple[str, str]:
    """Return the message and the hint of an error of the operating system that no command expects."""
    is_full = error.errno in _DISK_FULL
    hint = "Free some space, and run the command again." if is_full else "Check the path and its mode."
    # Only a stream is written without a name.
    return f"Cannot use {error.filename or 'stdout'}: {error.strerror or error}.", hint


def discard_stdout() -> None:
    """Drop what is still to be written to stdout, which cannot be written to."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
