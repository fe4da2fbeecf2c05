"""`ftask local`: the local engine."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

from ftask.aws.target import Target
from ftask.cli.catching_up import catch_up_after_start
from ftask.cli.command import command
from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import Yes
from ftask.cli.usage import UsageError
from ftask.core.local_stage import LOCAL_REGION
from ftask.local.engine import Engine
from ftask.render.tables import fact_table
from ftask.render.texts import duration

app = typer.Typer(name="local", help="Control the engine that serves the stage 'local'.", no_args_is_help=True)


@command(app)
def up(run: Invocation) -> None:
    """Start the engine unless it runs.

    Examples:
        ftask local up
    """
    running, started = Engine(note=run.screen.note).ensure()
    if started:
        catch_up_after_start(Target.local(*running.connection, run.stage_name))
    value = {"endpointUrl": running.endpoint_url, "pid": running.pid, "started": started, "version": running.version}
    verb = "Started" if started else "Already running:"
    run.screen.result(value, lambda: f"{verb} the local engine at {running.endpoint_url} (process {running.pid}).")


@command(app)
def down(run: Invocation) -> None:
    """Stop the engine and keep its state for the next start.

    Examples:
        ftask local down
    """
    stopped = Engine(note=run.screen.note).stop()
    text = "Stopped the local engine; its state is kept." if stopped else "The local engine was not running."
    run.screen.result({"stopped": stopped}, lambda: text)


@command(app)
def status(run: Invocation) -> ExitCode:
    """Show whether the engine runs; exit code 1 if not.

    Examples:
        ftask local status -o json
    """
    engine = Engine()
    running = engine.running()
    value = {
        "running": running is not None,
        "endpointUrl": running.endpoint_url if running else None,
        "pid": running.pid if running else None,
        "version": running.version if running else None,
        "stateFolder": str(engine.root),
        "log": str(engine.log_path),
    }
    if running is None:
        text = f"The local engine is not running. State: {engine.root}"
    else:
        uptime = duration(time.time() - running.started_at)
        text = f"The local engine runs at {running.endpoint_url} (process {running.pid}, for {uptime})."
        text += f" State: {engine.root}"
    run.screen.result(value, lambda: text)
    return ExitCode.DONE if running else ExitCode.FAILED


@command(app)
def logs(
    run: Invocation, lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="Number of lines.")] = 50
) -> None:
    """Show the end of the engine's own log.

    Examples:
        ftask local logs --lines 100
    """
    for line in Engine().log_tail(lines):
        run.screen.line({"line": line}, line)


@command(app)
def credentials(
    run: Invocation,
    key_format: Annotated[
        KeyFormat | None,
        typer.Option(
            "--format",
            help="env and fish: for eval in your shell; env-no-export: NAME=value; process: for credential_process.",
        ),
    ] = None,
) -> None:
    """Print the engine's root key, for curl and the AWS CLI; start the engine unless it runs.

    eval "$(ftask local credentials --format env)" makes the AWS CLI of this shell use the engine.

    Examples:
        ftask local credentials
        eval "$(ftask local credentials --format env)"
    """
    if key_format is not None and run.screen.json:
        raise UsageError("Give either --format or -o json.")
    running = Engine(note=run.screen.note).ensure().engine
    key = running.root_key
    value = {
        "accessKeyId": key.access_key_id,
        "secretAccessKey": key.secret_access_key,
        "region": LOCAL_REGION,
        "endpointUrl": running.endpoint_url,
    }
    if key_format is None:
        run.screen.result(value, lambda: fact_table(_labelled(value)))
    else:
        run.screen.line(value, credentials_text(value, key_format))


def _labelled(keys: Mapping[str, str]) -> Mapping[str, str]:
    return {
        "access key id": keys["accessKeyId"],
        "secret access key": keys["secretAccessKey"],
        "region": keys["region"],
        "endpoint URL": keys["endpointUrl"],
    }


@command(app)
def reset(run: Invocation, yes: Yes = False) -> None:
    """Stop the engine and delete everything in it: stacks, tasks, logs.

    Examples:
        ftask local reset --yes
    """
    engine = Engine(note=run.screen.note)
    run.confirm(f"Delete everything in the local engine ({engine.root})?", yes=yes)
    engine.reset()
    run.screen.result({"reset": True}, lambda: "The local engine is stopped and empty.")


class KeyFormat(StrEnum):
    """How keys are written for other programs; the names are those of `aws configure export-credentials`.

    https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html
    """

    ENV = "env"
    ENV_NO_EXPORT = "env-no-export"
    FISH = "fish"
    PROCESS = "process"


def credentials_text(value: Mapping[str, str], key_format: KeyFormat) -> str:
    """Return the keys, from their JSON form, for a shell or for `credential_process`."""
    if key_format is KeyFormat.PROCESS:
        keys = {"AccessKeyId": value["accessKeyId"], "SecretAccessKey": value["secretAccessKey"]}
        return json.dumps({"Version": 1} | keys)
    variables = {
        "AWS_ACCESS_KEY_ID": value["accessKeyId"],
        "AWS_SECRET_ACCESS_KEY": value["secretAccessKey"],
        # boto3 reads the one, other SDKs the other.
        "AWS_DEFAULT_REGION": value["region"],
        "AWS_REGION": value["region"],
        "AWS_ENDPOINT_URL": value["endpointUrl"],
    }
    # A session token that is left over would be sent along, and refused.
    match key_format:
        case KeyFormat.ENV:
            lines = [*(f"export {name}={text}" for name, text in variables.items()), "unset AWS_SESSION_TOKEN"]
        case KeyFormat.FISH:
            lines = [*(f"set -gx {name} {text}" for name, text in variables.items()), "set -e AWS_SESSION_TOKEN"]
        case KeyFormat.ENV_NO_EXPORT:
            lines = [f"{name}={text}" for name, text in variables.items()]
    return "\n".join(lines)
