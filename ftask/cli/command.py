"""How a function becomes a command: it gets the global options, and its errors become messages and exit codes."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import GlobalOptions, Invocation, Output, UsageError
from ftask.core.errors import FtaskError

DEBUG_VARIABLE = "FTASK_DEBUG"
_PANEL = "Global options"

Stage = Annotated[
    str | None,
    typer.Option(
        "--stage", "-s", help="Where to work; 'local' needs no account.", show_default=False, rich_help_panel=_PANEL
    ),
]
Profile = Annotated[
    str | None, typer.Option(help="AWS profile of the credentials.", show_default=False, rich_help_panel=_PANEL)
]
Region = Annotated[str | None, typer.Option(help="AWS region.", show_default=False, rich_help_panel=_PANEL)]
EndpointUrl = Annotated[
    str | None,
    typer.Option(help="Any AWS-compatible endpoint in place of AWS.", show_default=False, rich_help_panel=_PANEL),
]
OutputFormat = Annotated[
    Output | None,
    typer.Option("--output", "-o", help="How results are written.", show_default=False, rich_help_panel=_PANEL),
]
Quiet = Annotated[
    bool | None,
    typer.Option("--quiet", "-q", help="Results and errors only.", show_default=False, rich_help_panel=_PANEL),
]

GLOBAL_OPTIONS: dict[str, Any] = {
    "stage": Stage,
    "profile": Profile,
    "region": Region,
    "endpoint_url": EndpointUrl,
    "output": OutputFormat,
    "quiet": Quiet,
}


def command(
    app: typer.Typer, name: str | None = None
) -> Callable[[Callable[..., ExitCode | None]], Callable[..., None]]:
    """Add a function whose first parameter is an :class:`Invocation` to `app`.

    The function parses nothing and prints no errors: it calls, renders and returns its exit code.
    """
    return lambda function: app.command(name)(_run(function))


def group_command(app: typer.Typer) -> Callable[[Callable[..., ExitCode | None]], Callable[..., None]]:
    """Make a function what the group `app` does when it is called without one of its commands."""
    return lambda function: app.callback(invoke_without_command=True)(_run(function))


def _run(function: Callable[..., ExitCode | None]) -> Callable[..., None]:
    @functools.wraps(function)
    def run(context: typer.Context, **arguments: Any) -> None:
        given = {option: arguments.pop(option) for option in GLOBAL_OPTIONS}
        base = context.obj if isinstance(context.obj, GlobalOptions) else GlobalOptions()
        context.obj = base.overridden(given)
        if context.invoked_subcommand is not None:
            return
        invocation = Invocation(context.obj)
        raise typer.Exit(_guarded(invocation, lambda: function(invocation, **arguments)))

    _, *own = inspect.signature(function, eval_str=True).parameters.values()
    parameters = [
        inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context),
        *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
        *(
            inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for option, annotation in GLOBAL_OPTIONS.items()
        ),
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del run.__wrapped__  # or its signature would be read instead
    return run


def _guarded(invocation: Invocation, work: Callable[[], ExitCode | None]) -> ExitCode:
    try:
        return work() or ExitCode.DONE
    except FtaskError as error:
        _say(error.message, invocation.advice(error))
        return ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.FAILED
    except KeyboardInterrupt:
        _say("Interrupted.", invocation.if_interrupted or None)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback reaches a user
        return _unexpected(invocation, error)


def _unexpected(invocation: Invocation, error: Exception) -> ExitCode:
    from botocore.exceptions import BotoCoreError, ClientError

    from ftask.aws.errors import translate

    if isinstance(error, BotoCoreError | ClientError):
        explained = translate(error)
        _say(explained.message, invocation.advice(explained))
    else:
        _say(
            f"Something unforeseen happened: {type(error).__name__}: {error}",
            f"This is a defect of ftask. Set {DEBUG_VARIABLE}=1 and run it again to see where.",
        )
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    return ExitCode.FAILED


def _say(message: str, hint: str | None) -> None:
    from ftask.render.screen import say_error

    say_error(message, hint)
