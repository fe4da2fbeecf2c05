"""The command line: parse, call, render. A file is named after its command; no other package imports this one."""

from __future__ import annotations

import signal

import typer

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
    init,
    local,
    logs,
    ls,
    options,
    package,
    policy,
    remove,
    run,
    submit,
    top,
    types,
    watch,
)
from ftask.cli.command import command

app = typer.Typer(
    name="ftask",
    help="A fault-tolerant task queue in your own AWS account, and on your laptop.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(options.declare)
# In the order of --help.
for function in (
    *(init.init, run.run, types.types),
    *(deploy.deploy, package.package, remove.remove, info.info),
    *(submit.submit, get.get, watch.watch, ls.ls, cancel.cancel),
    *(consumption.pause, consumption.resume, logs.logs, top.top, doctor.doctor, config.config, policy.policy),
):
    command(app)(function)
for group in (dlq.app, bench.app, local.app):
    app.add_typer(group)


def main() -> None:
    """The console script."""
    try:
        app()
    finally:
        # The command has said how it ended; a late Ctrl-C must not turn that into a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
