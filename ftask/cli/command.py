"""How a function becomes a command: it takes the global options too, and its errors become messages and exit codes."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from ftask.cli import options
from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.usage import UsageError
from ftask.core.errors import FtaskError

DEBUG_VARIABLE = "FTASK_DEBUG"

# What a command does. It parses nothing and prints no errors: it calls, renders and returns its exit code.
Function = Callable[..., ExitCode | None]


def refuse_unreadable(arguments: Sequence[str]) -> None:
    """Exit with a message if an argument is not text: Python marks the bytes that it could not decode."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            shown = argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            _print_error(f"Invalid argument {shown!r}: expected text in UTF-8.", "Check the encoding of your terminal.")
            sys.exit(ExitCode.USAGE)


class _TakesGlobalOptions:
    """Accepts the global options after the command's own name too."""

    def get_params(self, ctx: Any) -> list[Any]:
        own: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # of Typer's class
        return own + [option for option in ctx.find_root().command.params if option.name in options.NAMES]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]  # of Typer's class
        ctx.obj = options.take_options(ctx)
        return rest


class Command(_TakesGlobalOptions, TyperCommand):
    """A command of ftask."""

    context_class = Invocation


class CommandGroup(_TakesGlobalOptions, TyperGroup):
    """A group of commands that is a command itself."""

    context_class = Invocation


def command(app: typer.Typer) -> Callable[[Function], Callable[..., None]]:
    """Add a function whose first parameter is an :class:`Invocation` to `app`."""
    return lambda function: app.command(cls=Command)(_guarded(function))


def group_command(app: typer.Typer) -> Callable[[Function], Callable[..., None]]:
    """Make a function what the group `app` does when it is called without one of its commands."""
    return lambda function: app.callback(cls=CommandGroup, invoke_without_command=True)(_guarded(function))


def _guarded(function: Function) -> Callable[..., None]:
    @functools.wraps(function)
    def guarded(run: Invocation, **arguments: Any) -> None:
        if run.invoked_subcommand is None:
            raise typer.Exit(_exit_code(run, lambda: function(run, **arguments)))

    return guarded


def _exit_code(run: Invocation, work: Callable[[], ExitCode | None]) -> ExitCode:
    try:
        return work() or ExitCode.DONE
    except FtaskError as error:
        _print_error(error.message, run.advice(error))
        return ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.FAILED
    except KeyboardInterrupt:
        if run.if_interrupted is not None:
            _print_error("Interrupted.", run.if_interrupted)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing more can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
        return _unexpected(run, error)


def _unexpected(run: Invocation, error: Exception) -> ExitCode:
    from botocore.exceptions import BotoCoreError, ClientError

    from ftask.aws.errors import translate

    if isinstance(error, BotoCoreError | ClientError):
        translated = translate(error)
        _print_error(translated.message, run.advice(translated))
    else:
        _print_error(
            f"Unexpected error: {type(error).__name__}: {error}",
            f"This is a bug in ftask; please report it with the output of {DEBUG_VARIABLE}=1.",
        )
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    return ExitCode.FAILED


def _print_error(message: str, hint: str | None) -> None:
    from ftask.render.screen import say_error

    say_error(message, hint)
