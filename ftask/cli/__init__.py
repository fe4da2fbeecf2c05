"""The command line: parse, call, render. A file is named after its command; no other package imports this one."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence

import typer

from ftask.cli import options
from ftask.cli.commands import Group
from ftask.cli.exit_codes import ExitCode
from ftask.cli.failing import (
    ParsingError,
    discard_stdout,
    file_error_text,
    prepare_streams,
    refuse_unreadable,
    report,
    report_parsing,
    wants_json,
)

# In the order of --help: under each title, the commands and groups, and the module that has them.
PANELS = {
    "Tasks": {
        "submit": "ftask.cli.submit",
        "get": "ftask.cli.get",
        "watch": "ftask.cli.watch",
        "ls": "ftask.cli.ls",
        "cancel": "ftask.cli.cancel",
    },
    "Dead letters": {
        "dlq": "ftask.cli.dlq",
    },
    "Stage": {
        "deploy": "ftask.cli.deploy",
        "package": "ftask.cli.package",
        "remove": "ftask.cli.remove",
        "info": "ftask.cli.info",
        "open": "ftask.cli.open",
        "doctor": "ftask.cli.doctor",
        "pause": "ftask.cli.consumption",
        "resume": "ftask.cli.consumption",
        "logs": "ftask.cli.logs",
        "config": "ftask.cli.config",
        "policy": "ftask.cli.policy",
    },
    "Measure": {
        "top": "ftask.cli.top",
        "bench": "ftask.cli.bench",
    },
    "Own tasks": {
        "init": "ftask.cli.init",
        "run": "ftask.cli.run",
        "dev": "ftask.cli.dev",
        "types": "ftask.cli.types",
    },
    "Local engine": {
        "local": "ftask.cli.local",
    },
    "Help": {
        "help": "ftask.cli.help",
    },
}
MODULES = {name: module for panel in PANELS.values() for name, module in panel.items()}


# Python's own is 700 to 2,000, by its version.
_OBJECTS_BEFORE_COLLECTION = 50_000


class _Ftask(Group):
    panels = PANELS


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
    # Imports and AWS's models make many objects, which all stay: looking for garbage among them takes a fifth of a
    # short command.
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    try:
        prepare_streams()
        sys.exit(_run(sys.argv[1:]))
    finally:
        # The command has said how it ended; a late Ctrl-C must not turn that into a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _run(arguments: Sequence[str]) -> int:
    try:
        refuse_unreadable(arguments)
        code = app(list(arguments), standalone_mode=False) or ExitCode.DONE
        # Here, where an error can still be reported: Python writes the rest only at its end.
        sys.stdout.flush()
    except ParsingError as error:
        return report_parsing(error, arguments)
    except KeyboardInterrupt:  # before a command has begun
        return ExitCode.INTERRUPTED
    except OSError as error:  # of the help, or of the rest of a result
        discard_stdout()
        if not isinstance(error, BrokenPipeError):
            message, hint = file_error_text(error)
            report(message, hint, ExitCode.FAILED, json=wants_json(arguments, os.environ))
        return ExitCode.FAILED
    return int(code)
