"""How a command ends: its exit code, and what it prints of an error."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from typing import Any

import pytest
import typer
from botocore.exceptions import MissingDependencyException
from typer.testing import CliRunner

from ftask.cli import options
from ftask.cli.command import command, group_command
from ftask.cli.exit_codes import ExitCode
from ftask.cli.failing import wants_json
from ftask.cli.invocation import Invocation
from ftask.cli.usage import InvalidOptionError, UsageError, parse_choice
from ftask.core.errors import FtaskError, PayloadError


def run(function: Callable[..., ExitCode | None], *arguments: str) -> Any:
    """The result of a command that does what `function` does."""
    app = typer.Typer(pretty_exceptions_enable=False)
    app.callback()(options.declare)
    command(app)(function)
    return CliRunner().invoke(app, [function.__name__, *arguments])


def raising(error: BaseException, if_interrupted: str | None = "") -> Callable[[Invocation], None]:
    def work(run: Invocation) -> None:
        run.if_interrupted = if_interrupted
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (FtaskError("It failed.", "Try again."), 1, "Error: It failed.\nTry again.\n"),
        (UsageError("Give one."), 2, "Error: Give one.\n"),
        (PayloadError("Not JSON."), 2, "Error: Not JSON.\n"),
        (
            EOFError(),
            1,
            (
                "Error: The AWS profile asks for a code of MFA, and no terminal is there to type it in.\n"
                "Run a command in a terminal first: the credentials are kept in ~/.aws/cli/cache until they expire.\n"
            ),
        ),
        (
            MissingDependencyException(msg="no EC"),
            1,
            (
                "Error: The profile's credentials, like those of `aws login`, need a package that is not installed: "
                'awscrt.\nInstall it where ftask is installed: pip install "botocore[crt]"\n'
            ),
        ),
        (
            ZeroDivisionError("by zero"),
            1,
            (
                "Error: Unexpected error: ZeroDivisionError: by zero\n"
                "This is a bug in ftask; please report it with the output of FTASK_DEBUG=1.\n"
            ),
        ),
    ],
)
def test_an_error_is_a_message_a_hint_and_an_exit_code(error: Exception, code: int, text: str) -> None:
    done = run(raising(error))
    assert (done.exit_code, done.stdout, done.stderr) == (code, "", text)


@pytest.mark.parametrize(
    ("if_interrupted", "text"), [("The tasks go on.", "Error: Interrupted.\nThe tasks go on.\n"), (None, "")]
)
def test_ctrl_c_ends_with_130_and_is_silent_where_it_is_the_usual_end(if_interrupted: str | None, text: str) -> None:
    done = run(raising(KeyboardInterrupt(), if_interrupted))
    assert (done.exit_code, done.stdout, done.stderr) == (130, "", text)


def test_with_json_an_error_is_one_line_of_json() -> None:
    done = run(raising(FtaskError("It failed.", "Try again.")), "-o", "json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert json.loads(done.stderr) == {"error": {"message": "It failed.", "hint": "Try again.", "code": 1}}


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        (["ls"], {}, False),
        (["ls", "-o", "json"], {}, True),
        (["ls", "-ojson"], {}, True),
        (["--output=json", "ls"], {}, True),
        (["ls"], {"FTASK_OUTPUT": "json"}, True),
        (["ls", "-o", "table"], {"FTASK_OUTPUT": "json"}, False),
    ],
)
def test_a_command_line_that_cannot_be_parsed_may_ask_for_json(
    arguments: list[str], variables: dict[str, str], expected: bool
) -> None:
    assert wants_json(arguments, variables) is expected


def test_a_full_disk_is_no_bug() -> None:
    done = run(raising(OSError(errno.ENOSPC, "No space left on device", "/data/x")))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: Cannot use /data/x: No space left on device.\nFree some space, and run the command again.\n"
    )


def test_a_command_takes_its_own_options_and_the_global_ones_in_any_order() -> None:
    seen: list[tuple[str, int]] = []

    def work(run: Invocation, count: int = 1) -> ExitCode:
        seen.append((run.stage_name, count))
        return ExitCode.TIMED_OUT

    assert run(work, "--count", "2", "-s", "prod").exit_code == 4
    assert run(work, "-s", "prod", "--count", "2").exit_code == 4
    assert seen == [("prod", 2)] * 2


def test_help_shows_the_global_options_in_a_panel_of_their_own() -> None:
    def work(run: Invocation, count: int = 1) -> None: ...

    text = run(work, "--help").stdout
    own, _, shared = text.partition("Global options")
    assert "--count" in own
    assert all(f"--{name.replace('_', '-')}" in shared for name in options.NAMES)


def test_a_group_that_is_a_command_runs_only_without_one_of_its_commands() -> None:
    seen: list[str] = []
    app = typer.Typer()
    app.callback()(options.declare)
    group = typer.Typer(name="group")

    def whole(run: Invocation) -> None:
        seen.append(f"whole {run.stage_name}")

    def part(run: Invocation) -> None:
        seen.append(f"part {run.stage_name}")

    group_command(group)(whole)
    command(group)(part)
    app.add_typer(group)
    for arguments in (["group", "-s", "a"], ["group", "part", "-s", "b"], ["group", "-s", "c", "part"]):
        assert CliRunner().invoke(app, arguments).exit_code == 0
    assert seen == ["whole a", "part b", "part c"]


def test_a_choice_is_taken_in_any_case_and_an_invalid_one_names_the_others() -> None:
    assert parse_choice("--level", "warning", ("INFO", "WARNING")) == "WARNING"
    with pytest.raises(InvalidOptionError) as caught:
        parse_choice("--level", "loud", ("DEBUG", "INFO", "WARNING"))
    assert caught.value.message == "Invalid --level 'loud': expected DEBUG, INFO or WARNING."
