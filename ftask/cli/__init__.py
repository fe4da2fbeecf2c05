"""The command line: parse, call, render. Nothing here is imported by the rest."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from ftask import __version__
from ftask.cli import (
    bench,
    cancel,
    config,
    consumption,
    deploy,
    dlq,
    doctor,
    get,
    info,
    local,
    logs,
    ls,
    policy,
    remove,
    submit,
    top,
    watch,
)
from ftask.cli.command import EndpointUrl, Profile, Region, command
from ftask.cli.invocation import LOCAL_STAGE, GlobalOptions, Output

app = typer.Typer(
    name="ftask",
    help="A fault-tolerant task queue in your own AWS account, and on your laptop.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
# In the order of --help.
for function in (
    *(deploy.deploy, remove.remove, info.info),
    *(submit.submit, get.get, watch.watch, ls.ls, cancel.cancel),
    *(consumption.pause, consumption.resume, logs.logs, top.top, doctor.doctor, config.config, policy.policy),
):
    command(app)(function)
for group in (dlq.app, bench.app, local.app):
    app.add_typer(group)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ftask {__version__}")
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
