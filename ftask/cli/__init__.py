"""The command line: parse, call, render. Nothing here is imported by the rest."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from ftask.cli import bench, config, dlq, doctor, fleet, local, policy, stack, tasks, top
from ftask.cli.command import EndpointUrl, Profile, Region
from ftask.cli.invocation import LOCAL_STAGE, GlobalOptions, Output
from ftask.distribution import NAME, namesake_warning, own_version

app = typer.Typer(
    name="ftask",
    help="A fault-tolerant task queue in your own AWS account, and on your laptop.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
stack.add_to(app)
tasks.add_to(app)
fleet.add_to(app)
dlq.add_to(app)
top.add_to(app)
doctor.add_to(app)
bench.add_to(app)
config.add_to(app)
policy.add_to(app)
local.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {own_version()}")
        warning = namesake_warning()
        if warning is not None:
            typer.echo(warning, err=True)
        raise typer.Exit


@app.callback()
def _global_options(
    context: typer.Context,
    stage: Annotated[
        str, typer.Option("--stage", "-s", envvar="FTASK_STAGE", help="Where to work; 'local' needs no account.")
    ] = LOCAL_STAGE,
    profile: Profile = None,
    region: Region = None,
    endpoint_url: EndpointUrl = None,
    output: Annotated[
        Output, typer.Option("--output", "-o", envvar="FTASK_OUTPUT", help="How results are written.")
    ] = Output.TABLE,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Results and errors only.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    context.obj = GlobalOptions(stage, profile, region, endpoint_url, output, quiet)


def main() -> None:
    """The console script."""
    try:
        app()
    finally:
        # The command has said how it ended; a late Ctrl-C must not turn that into a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
