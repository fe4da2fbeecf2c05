"""The command line: parse, call, render. A file is named after its command; no other package imports this one."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from ftask.cli import options
from ftask.cli.exit_codes import ExitCode
from ftask.cli.failing import (
    discard_stdout,
    file_error_text,
    prepare_streams,
    refuse_unreadable,
    report,
    report_parsing,
    wants_json,
)

# In the order of --help: under each title, the commands and groups, and what the list says of each.
PANELS = {
    "Tasks": {
        "submit": "Submit tasks",
        "get": "Show one task: state, payload, every attempt",
        "watch": "Follow tasks live until they end",
        "ls": "List tasks, newest first",
        "cancel": "Cancel tasks that have not ended",
        "reschedule": "Change when a waiting task runs",
    },
    "Schedules": {
        "schedule": "List, run, pause and resume schedules",
    },
    "Dead letters": {
        "dlq": "List failed tasks; redrive, discard and drain them",
    },
    "Stage": {
        "deploy": "Create or update the stack, after showing the plan",
        "package": "Write the template, the code archives and the parameters for AWS into a folder",
        "remove": "Delete the stack and everything in it",
        "info": "Show the stage's URLs and resources, the depth of its queues, and its settings",
        "open": "Open a page of the stage in AWS's console, or the OpenAPI document of its API, in a browser",
        "doctor": "Check the stage",
        "pause": "Stop consuming",
        "resume": "Start consuming again",
        "logs": "Show what the functions and the code of the tasks logged",
        "config": "Show the settings in effect and where each comes from",
        "policy": "Print the least IAM policy under which commands work on the stage",
    },
    "Measure": {
        "top": "Show the stage live: throughput, queues, dead letters, failed tasks, recent failures",
        "bench": "Submit tasks, follow each to its end, and compare with what the stage's settings promise",
    },
    "Own tasks": {
        "init": "Begin a project",
        "run": "Run a task of this project in this process: no stage, no queue, no AWS",
        "dev": "Deploy the tasks to this machine, again at each change of a file, and show their logs",
        "types": "Show the task types of this project, or with --stage those that the stage has",
    },
    "Local engine": {
        "local": "Control the engine that serves the stage 'local'",
    },
    "Help": {
        "help": "Show the help of a command, or explain a topic",
    },
}
_FILES = {"pause": "consumption", "resume": "consumption"}
MODULES = {name: f"ftask.cli.{_FILES.get(name, name)}" for panel in PANELS.values() for name in panel}

# Python's own is 700 to 2,000, by its version.
_OBJECTS_BEFORE_COLLECTION = 50_000


@cache
def load(name: str) -> Any:
    """Return the command or group of this name, from its own module."""
    # `ftask --help` and `--version` take half the time without what commands import.
    from ftask.cli.command import single

    module = import_module(MODULES[name])
    return get_group(module.app) if hasattr(module, "app") else single(getattr(module, name))


class _Commands(TyperGroup):
    """Imports the module of a command only to call it."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {
            name: TyperCommand(name, help=f"{text}.", rich_help_panel=title)
            for title, panel in PANELS.items()
            for name, text in panel.items()
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, listed, rest = super().resolve_command(ctx, args)
        return name, None if listed is None else load(str(name)), rest


app = typer.Typer(
    name="ftask",
    cls=_Commands,
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
    except typer.TyperException as error:
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
