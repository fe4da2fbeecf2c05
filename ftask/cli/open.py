"""`ftask open`: the pages of a stage in a browser."""

from __future__ import annotations

import json
import tempfile
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import words
from ftask.cli.usage import parse_choice
from ftask.core.errors import FtaskError
from ftask.home.private_files import write_private
from ftask.ops.info import PAGES, console_links

API = "api"
ALL_PAGES = (*PAGES, API)


def open(  # noqa: A001 - the command's name
    run: Invocation,
    page: Annotated[
        str,
        typer.Argument(
            metavar="[PAGE]",
            autocompletion=words(ALL_PAGES),
            help="stack, queue, dlq, table, logs, api-logs, worker, alarms, dashboard, or api: its OpenAPI document.",
        ),
    ] = "stack",
    print_url: Annotated[
        bool, typer.Option("--print", help="Only print the URL, as where no browser can be started.")
    ] = False,
) -> None:
    """Open a page of the stage in AWS's console, or the OpenAPI document of its API, in a browser.

    Examples:
        ftask open dlq --stage prod
        ftask open api
        ftask open logs --stage prod --print
    """
    page = parse_choice("PAGE", page, ALL_PAGES)
    if page != API:
        url = _console_page(run, run.stage, page)
    elif print_url:
        url = f"{run.outputs.api_url}/openapi.json"
    else:
        url = _saved_document(run)
    opened = not print_url and webbrowser.open(url)
    if not opened and not print_url:
        run.screen.note("No browser can be started here. Open this URL yourself:")
    run.screen.result({"page": page, "url": url, "opened": opened}, lambda: f"Opened {url}" if opened else url)


def _console_page(run: Invocation, stage: Stage, page: str) -> str:
    if stage.target.is_emulated:
        commands = [command_on(stage.target, command) for command in ("open api", "info", "top")]
        raise FtaskError(
            f"Stage {run.stage_name} has no page '{page}': it runs on an emulator, which has no AWS console.",
            f"Its API's document: {commands[0]}\nIts state: {commands[1]}, live: {commands[2]}",
        )
    links = console_links(stage)
    if not links:
        raise FtaskError(
            f"The console of the partition of {stage.target.region_name} is not known to ftask.",
            f"The ARN of the stack is {stage.stack.stack_id}",
        )
    if PAGES[page] not in links:
        raise FtaskError(
            f"Stage {run.stage_name} has no {page}.",
            f"Make one with: {command_on(stage.target, 'deploy --param MetricsDashboard=true')}",
        )
    return links[PAGES[page]]


def _saved_document(run: Invocation) -> str:
    """Return the URL of a copy of the API's document: a browser cannot sign the request for it.

    Raises:
        FtaskError: the API refused the request, or the copy cannot be written.
    """
    document = json.dumps(run.api.document(), indent=2, ensure_ascii=False)
    try:
        path = Path(tempfile.mkdtemp(prefix="ftask-"), f"{run.stage_name}-openapi.json")
    except OSError as error:
        raise FtaskError(
            f"Cannot write to {tempfile.gettempdir()}: {error.strerror}.", "Name another folder with TMPDIR."
        ) from error
    write_private(path, document)
    return path.as_uri()
