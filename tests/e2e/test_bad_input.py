"""Bad input of every kind: one clear error, a non-zero exit code, nothing lost."""

from __future__ import annotations

import json
import socket
import subprocess
from dataclasses import replace

import pytest

from ftask.local.record import PORT_VARIABLE
from tests.support.cli import COMMAND, Cli

pytestmark = pytest.mark.engine

KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "says"),
    [
        (["get", "0" * 32], "", 1, "Task 00000000000000000000000000000000 does not exist"),
        (["get", ""], "", 2, "The id of the task is empty"),
        (["get", "a/b c"], "", 2, "Invalid task id 'a/b c': expected 32 hexadecimal digits"),
        (["watch", "f" * 32], "", 1, "Task ffffffffffffffffffffffffffffffff does not exist"),
        (["watch"], "", 1, "Nothing to watch"),
        (["submit"], "", 2, "not JSON"),
        (["submit", "--payload", "[1]"], "", 2, "an array, not an object"),
        (["submit", "--payload", "oops"], "", 2, "not JSON"),
        (["submit", "--payload", '{"a": NaN}'], "", 2, "holds NaN"),
        (["submit", "--payload", '{"a": 1e999}'], "", 2, "too large"),
        (["submit", "--payload", "-"], '{"a":' * 200 + "1" + "}" * 200, 2, "deeper than 100"),
        # pytest puts the id into the environment, where a program can be started only with a short one.
        pytest.param(
            *(["submit", "--payload", "-"], '{"a":"' + "x" * 300_000 + '"}', 2, "may have 262,144"), id="too large"
        ),
        (["submit", "--payload", "@none.json"], "", 2, "Cannot read none.json"),
        (["submit", "--file", "none.jsonl"], "", 2, "Cannot read none.jsonl"),
        (["submit", "--file", "-"], '{"a":1}\nnonsense\n', 2, "Line 2: "),
        (["submit", "--file", "-"], "\n", 1, "Nothing to submit"),
        (["submit", "-m", "a", "--payload", "{}"], "", 2, "Give only one of"),
        (["submit", "send", "x"], "", 2, "Invalid argument 'x': expected key=value or key:=json."),
        (["submit", "send", "-m", "a"], "", 2, "--message is for the type experiment"),
        (["submit", "-m", "a", "-n", "2", "--key", "k"], "", 2, "--key names one task"),
        (["submit", "-m", "a", "--timeout", "3"], "", 2, "--timeout has no effect without --wait"),
        (["submit", "-m", "a", "--key", "\N{LATIN SMALL LETTER E WITH ACUTE}"], "", 2, "printable ASCII"),
        (["submit", "-m", "a", "--key", ""], "", 2, "idempotency key"),
        (["submit", "-m", "a", "-n", "0"], "", 2, "'--count'"),
        (["deploy", "--param", "X"], "", 2, "Invalid --param 'X': expected NAME=VALUE"),
        (["deploy", "--param", "X=1"], "", 2, "Unknown parameter 'X'"),
        (["deploy", "--param", "ErrorRate=abc"], "", 2, "ErrorRate"),
        (["deploy", "--param", "ErrorRate=0.9"], "", 1, "Run it again with --yes"),
        (["remove"], "", 1, "Run it again with --yes"),
        (["local", "reset"], "", 1, "Run it again with --yes"),
        (["nonsense"], "", 2, "No such command"),
        (["info", "--output", "xml"], "", 2, "xml"),
        (["info", "--profile", "x"], "", 2, "--profile has no effect on the stage 'local'"),
    ],
)
def test_bad_arguments_and_payloads(deployed: Cli, arguments: list[str], stdin: str, code: int, says: str) -> None:
    done = deployed(*arguments, stdin=stdin)
    assert done.code == code
    assert says in " ".join(done.err.split())
    assert done.out == ""


@pytest.mark.parametrize("arguments", [("get", "\udcff"), ("submit", "-m", "a", "--key", "\udce9")])
def test_bytes_that_are_no_text_are_one_error(cli_without_engine: Cli, arguments: tuple[str, ...]) -> None:
    done = cli_without_engine(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Invalid argument '\N{REPLACEMENT CHARACTER}': expected text in UTF-8." in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("dlq", "ls", "--since", "soon"), "Invalid --since 'soon': expected a duration like 30m"),
        (("dlq", "ls", "--group-by", "colour"), "Invalid --group-by 'colour': expected error or none."),
        (
            ("dlq", "redrive", "--since", "1h", "--until", "2h"),
            "Invalid --until '2h': expected a time after",
        ),
        (("dlq", "discard", "--task", ""), "The id of the task is empty."),
        (("dlq", "drain"), "--to FILE.jsonl"),
        (("ls", "--status", "LOST"), "Invalid --status 'LOST': expected PENDING"),
        (("ls", "--columns", "task,eror"), "Unknown name 'eror' in --columns; did you mean error?"),
        (("ls", "--columns", "task", "-o", "json"), "--columns has no effect on JSON."),
        (("ls", "--interval", "1"), "--interval has no effect without --watch."),
        (("logs", "--function", "cron"), "Invalid --function 'cron': expected api or worker."),
        (("logs", "--grep", "("), "Invalid --grep '(': expected a regular expression"),
        (("logs", "--level", "LOUD"), "Invalid --level 'LOUD': expected DEBUG"),
    ],
)
def test_options_that_make_no_sense(deployed: Cli, arguments: tuple[str, ...], says: str) -> None:
    done = deployed(*arguments)
    assert done.code == 2
    assert says in done.err


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "says"),
    [
        ([], {}, 1, "No AWS region is configured"),
        (["--region", "eu-west-1"], {}, 1, "No AWS credentials were found"),
        (["--profile", "nobody"], {}, 1, "The config profile (nobody) could not be found"),
        (["--region", "eu-west-1", "--endpoint-url", "http://127.0.0.1:9"], KEYS, 1, "Could not connect"),
        (["--endpoint-url", "nonsense"], KEYS, 2, "Invalid endpoint URL 'nonsense'"),
        (["--stage", "Not_A_Stage"], KEYS, 2, "Invalid stage name 'Not_A_Stage'"),
    ],
)
def test_a_stage_that_cannot_be_reached(
    cli: Cli, arguments: list[str], environment: dict[str, str], code: int, says: str
) -> None:
    done = cli("--stage", "prod", "info", *arguments, **environment)
    assert done.code == code
    assert says in done.err


def test_with_json_an_error_is_the_last_line_of_stderr(cli_without_engine: Cli) -> None:
    wrong_calls = (["submit", "--payload", "oops"], ["get", "x", "--nonsense"], ["nonsense"], ["get", "\udcff"])
    for arguments in wrong_calls:
        done = cli_without_engine(*arguments, "-o", "json")
        (error,) = json.loads(done.err.splitlines()[-1]).values()
        assert (done.code, done.out, error["code"]) == (2, "", 2)
        assert error["message"]
        assert error.keys() == {"message", "hint", "code"}


@pytest.mark.parametrize(
    ("redirection", "code", "says"),
    [
        ("schema >/dev/full", 1, "stdout: No space left on device"),
        ("sweep >/dev/full", 1, "Cannot write the result to stdout: No space left on device"),
        ("sweep >&-", 2, "stdout is closed"),
        ("sweep 2>&- >/dev/null", 0, ""),
    ],
)
def test_a_stdout_that_takes_nothing_is_one_error(
    cli_without_engine: Cli, redirection: str, code: int, says: str
) -> None:
    cli = cli_without_engine
    done = subprocess.run(
        ["/bin/sh", "-c", f"{COMMAND} bench {redirection}"],
        cwd=cli.folder,
        env=cli.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert says in done.stderr
    assert done.stderr.count("\n") in (0, 2), done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_the_encoding_of_stdout_lacks_is_replaced_and_in_json_escaped(
    cli_without_engine: Cli, encoding: str
) -> None:
    cli = replace(cli_without_engine, warm=False)
    (cli.folder / "ftask.toml").write_text('[stages.prod]\nregion = "eu-✓"\n')
    table = cli("config", "--stage", "prod", PYTHONIOENCODING=encoding)
    assert (table.code, "eu-?" in table.out, table.err) == (0, True, "")
    settings = {
        entry["name"]: entry["value"]
        for entry in cli("config", "--stage", "prod", "-o", "json", PYTHONIOENCODING=encoding).json
    }
    assert settings["region"] == "eu-✓"


def test_the_stage_local_needs_no_profile_and_another_stage_says_which_is_missing(deployed: Cli) -> None:
    assert deployed("info", AWS_PROFILE="nobody", AWS_REGION="eu-west-1").code == 0
    endpoint = deployed("local", "status", "-o", "json").json["endpointUrl"]
    done = deployed("-s", "prod", "--endpoint-url", endpoint, "info", AWS_PROFILE="nobody", AWS_REGION="eu-west-1")
    assert done.code == 1
    assert "The config profile (nobody) could not be found" in done.err


def test_credentials_that_nobody_gave_out_are_refused(deployed: Cli) -> None:
    endpoint = deployed("local", "status", "-o", "json").json["endpointUrl"]
    done = deployed("-s", "prod", "--region", "us-east-1", "--endpoint-url", endpoint, "info", **KEYS)
    assert done.code == 1
    assert "does not accept these credentials" in done.err


def test_no_stack(own_engine: Cli) -> None:
    for command in (["info"], ["submit", "-m", "x"], ["get", "0" * 32], ["watch", "0" * 32], ["remove", "--yes"]):
        done = own_engine(*command)
        assert done.code == 1
        assert "has no stack ftask-local" in done.err
    assert "ftask deploy" in own_engine("info").err


def test_a_port_that_something_else_holds(own_engine: Cli) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        done = own_engine("local", "up", **{PORT_VARIABLE: port})
    assert done.code == 1
    assert f"Another program uses port {port}" in done.err
    done = own_engine("local", "up", **{PORT_VARIABLE: "http"})
    assert "not a port number" in done.err


def test_a_state_folder_that_cannot_be_written(own_engine: Cli) -> None:
    (own_engine.folder / "file").write_text("")
    done = own_engine("local", "up", FTASK_STATE_DIR=str(own_engine.folder / "file" / "state"))
    assert done.code == 1
    assert "cannot be used" in done.err


def test_an_engine_that_is_not_installed(cli: Cli) -> None:
    hidden = cli.folder / "hidden"
    hidden.mkdir()
    # Python runs this before the command: it makes the engine's package look absent.
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u; f = u.find_spec; "
        "u.find_spec = lambda name, package=None: None if name == 'ministack' else f(name, package)"
    )
    done = cli("info", PYTHONPATH=str(hidden), FTASK_STATE_DIR=str(cli.folder / "none"))
    assert done.code == 1
    assert "The local engine is not installed" in done.err
    assert "ftask-aws[local]" in done.err
