"""The options that every command takes, before or after its name, each with the source of its value."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Generic, TypeVar

import typer

from ftask.core.local_stage import LOCAL_STAGE
from ftask.distribution import NAME, namesake_warning, own_version

T = TypeVar("T")

FLAG = "flag"
DEFAULT = "default"

_PANEL = "Global options"


class Output(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A value, and where it comes from in words."""

    value: T
    source: str = DEFAULT

    @property
    def is_flag(self) -> bool:
        return self.source == FLAG


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """The global options, from the command line and the environment."""

    stage: Setting[str] = Setting(LOCAL_STAGE)
    profile: Setting[str | None] = Setting(None)
    region: Setting[str | None] = Setting(None)
    endpoint_url: Setting[str | None] = Setting(None)
    output: Setting[Output] = Setting(Output.TABLE)
    no_trunc: Setting[bool] = Setting(False)
    quiet: Setting[bool] = Setting(False)

    @property
    def is_json(self) -> bool:
        return self.output.value == Output.JSON


# One name per field of GlobalOptions and per parameter of `declare`.
NAMES = tuple(GlobalOptions.__dataclass_fields__)


def _print_version(is_given: bool) -> None:
    if is_given:
        typer.echo(f"{NAME} {own_version()}")
        warning = namesake_warning()
        if warning is not None:
            typer.echo(warning, err=True)
        raise typer.Exit


def declare(
    context: typer.Context,
    stage: Annotated[
        str,
        typer.Option(
            *("--stage", "-s"),
            envvar="FTASK_STAGE",
            help="Stage to work on; 'local' needs no AWS account.",
            rich_help_panel=_PANEL,
        ),
    ] = LOCAL_STAGE,
    profile: Annotated[
        str | None,
        # In the order in which boto3 and the AWS CLI read the two.
        typer.Option(envvar=["AWS_DEFAULT_PROFILE", "AWS_PROFILE"], help="AWS profile.", rich_help_panel=_PANEL),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="AWS region.", rich_help_panel=_PANEL),
    ] = None,
    endpoint_url: Annotated[
        str | None,
        typer.Option(
            envvar="AWS_ENDPOINT_URL", help="URL of an AWS-compatible endpoint to use.", rich_help_panel=_PANEL
        ),
    ] = None,
    output: Annotated[
        Output,
        typer.Option("--output", "-o", envvar="FTASK_OUTPUT", help="Format of results.", rich_help_panel=_PANEL),
    ] = Output.TABLE,
    no_trunc: Annotated[
        bool,
        typer.Option(
            "--no-trunc",
            help="Print whole ids and rows, as in a pipe: tabs between the cells.",
            rich_help_panel=_PANEL,
        ),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only results and errors.", rich_help_panel=_PANEL)
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Declare the global options, as the callback of the root command."""
    context.obj = take_options(context)


def take_options(context: typer.Context) -> GlobalOptions:
    """Return the global options in effect for `context`, and take them out of the parameters of its own command.

    A flag after the command's name overrides one before it, and any flag overrides the environment.
    """
    given = {name: Setting(context.params.pop(name, None), _source(context, name)) for name in NAMES}
    if not isinstance(context.obj, GlobalOptions):
        return GlobalOptions(**given)
    return replace(context.obj, **{name: setting for name, setting in given.items() if setting.is_flag})


def _source(context: typer.Context, name: str) -> str:
    source = context.get_parameter_source(name)
    # Compared by name: recent versions of Typer have their own copy of Click's enumeration.
    if source is None or source.name not in ("COMMANDLINE", "ENVIRONMENT"):
        return DEFAULT
    if source.name == "COMMANDLINE":
        return FLAG
    declared = next(option for option in context.command.get_params(context) if option.name == name)
    variables = [declared.envvar] if isinstance(declared.envvar, str) else declared.envvar or []
    return environment(next(variable for variable in variables if os.environ.get(variable)))


def environment(variable: str) -> str:
    """Return the name of a variable of the environment as a source."""
    return f"environment ({variable})"
