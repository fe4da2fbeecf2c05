"""How a function becomes a command: it takes the global options too, and its errors become messages and exit codes."""

from __future__ import annotations

import functools
import inspect
import os
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from ftask.aws.errors import translate
from ftask.cli import options
from ftask.cli.exit_codes import ExitCode
from ftask.cli.failing import discard_stdout, file_error_text, report
from ftask.cli.invocation import Invocation
from ftask.cli.signals import EndedBySignalError, end_by, raising_signals
from ftask.core.errors import FtaskError, InvalidInputError, OutputError

DEBUG_VARIABLE = "FTASK_DEBUG"

# What a command does. It parses nothing and prints no errors: it calls, renders and returns its exit code.
Function = Callable[..., ExitCode | None]


class _TakesGlobalOptions:
    """Accepts the global options after the command's own name too."""

    def get_params(self, ctx: Any) -> list[Any]:
        own: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # of Typer's class
        return own + [option for option in ctx.find_root().command.params if option.name in options.NAMES]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)  # type: ignore[misc]  # of Typer's class
        typer.echo("\n".join(["", " Examples:", *(f"   {line}" for line in self.examples), ""]))

    @property
    def examples(self) -> list[str]:
        """Return the examples in the docstring, each one line for a shell."""
        return _split_docstring(self.callback)[1]  # type: ignore[attr-defined]  # of Typer's class

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
    return lambda function: app.command(cls=Command, help=_split_docstring(function)[0])(_guarded(function))


def group_command(app: typer.Typer) -> Callable[[Function], Callable[..., None]]:
    """Make a function what the group `app` does when it is called without one of its commands."""
    return lambda function: app.callback(
        cls=CommandGroup, invoke_without_command=True, help=_split_docstring(function)[0]
    )(_guarded(function))


def single(function: Function) -> Any:
    """Return the command of a function."""
    app = typer.Typer(add_completion=False)
    command(app)(function)
    return get_command(app)


def _split_docstring(function: Callable[..., Any] | None) -> tuple[str, list[str]]:
    text, _, examples = (inspect.getdoc(function) or "").partition("\n\nExamples:\n")
    return text, [line.strip() for line in examples.splitlines()]


def _guarded(function: Function) -> Callable[..., None]:
    @functools.wraps(function)
    def guarded(run: Invocation, **arguments: Any) -> None:
        if run.invoked_subcommand is None:
            raise typer.Exit(_exit_code(run, lambda: function(run, **arguments)))

    return guarded


def _exit_code(run: Invocation, work: Callable[[], ExitCode | None]) -> ExitCode:
    try:
        with raising_signals():
            return work() or ExitCode.DONE
    except FtaskError as error:
        if isinstance(error, OutputError):
            discard_stdout()
        code = ExitCode.USAGE if isinstance(error, InvalidInputError) else ExitCode.FAILED
        return _failed(run, error.message, _advice(run, error), code)
    except EndedBySignalError as ended:
        with suppress(OSError):  # the terminal is gone
            message = f"Ended by {ended.signal_name}."
            _say_interrupted(run, message if run.if_interrupted else f"{message} The stage goes on.")
        end_by(ended.number)
    except KeyboardInterrupt:
        if run.if_interrupted is not None:
            _say_interrupted(run, "Interrupted.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing more can be printed.
        discard_stdout()
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
        return _unexpected(run, error)


def _advice(run: Invocation, error: FtaskError) -> str | None:
    advice = run.advice(error)
    # The result that is lost may be the ids of tasks.
    if isinstance(error, OutputError) and callable(run.if_interrupted):
        return f"{advice}\n{run.if_interrupted()}"
    return advice


def _say_interrupted(run: Invocation, message: str) -> None:
    hint = run.if_interrupted
    _failed(run, message, hint() if callable(hint) else hint, ExitCode.INTERRUPTED)


def _unexpected(run: Invocation, error: Exception) -> ExitCode:
    if isinstance(error, BotoCoreError | ClientError):
        translated = translate(error)
        message, hint = translated.message, run.advice(translated)
    elif isinstance(error, EOFError):
        # https://docs.python.org/3/library/getpass.html: botocore asks with it where the profile has mfa_serial
        message = "The AWS profile asks for a code of MFA, and no terminal is there to type it in."
        hint = "Run a command in a terminal first: the credentials are kept in ~/.aws/cli/cache until they expire."
    elif isinstance(error, OSError) and error.filename is not None:
        message, hint = file_error_text(error)
    else:
        message = f"Unexpected error: {type(error).__name__}: {error}"
        hint = f"This is a bug in ftask; please report it with the output of {DEBUG_VARIABLE}=1."
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    return _failed(run, message, hint, ExitCode.FAILED)


def _failed(run: Invocation, message: str, hint: str | None, code: ExitCode) -> ExitCode:
    report(message, hint, code, json=run.options.is_json)
    return code
