"""The command line: parse, call, render. A file is named after its command; no other package imports this one."""

from __future__ import annotations

import signal
import sys

import typer

from ftask.cli import options
from ftask.cli.command import refuse_unreadable
from ftask.cli.commands import Group

# In the order of --help: each command or group, and the module that has it.
MODULES = {
    "init": "ftask.cli.init",
    "run": "ftask.cli.run",
    "dev": "ftask.cli.dev",
    "types": "ftask.cli.types",
    "deploy": "ftask.cli.deploy",
    "package": "ftask.cli.package",
    "remove": "ftask.cli.remove",
    "info": "ftask.cli.info",
    "submit": "ftask.cli.submit",
    "get": "ftask.cli.get",
    "watch": "ftask.cli.watch",
    "ls": "ftask.cli.ls",
    "cancel": "ftask.cli.cancel",
    "pause": "ftask.cli.consumption",
    "resume": "ftask.cli.consumption",
    "logs": "ftask.cli.logs",
    "top": "ftask.cli.top",
    "doctor": "ftask.cli.doctor",
    "config": "ftask.cli.config",
    "policy": "ftask.cli.policy",
    "dlq": "ftask.cli.dlq",
    "bench": "ftask.cli.bench",
    "local": "ftask.cli.local",
}


class _Ftask(Group):
    modules = MODULES


app = typer.Typer(
    name="ftask",
    cls=_Ftask,
    help="A fault-tolerant task queue in your own AWS account, and on your laptop.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(options.declare)


def main() -> None:
    """The console script."""
    try:
        refuse_unreadable(sys.argv[1:])
        app()
    finally:
        # The command has said how it ended; a late Ctrl-C must not turn that into a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
