"""The life of the local engine: started once by commands at once, found again, stopped with its state, killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from ftask.aws.stack import deployed_stack
from ftask.aws.stage import Stage
from ftask.core.firings import Firing
from ftask.core.timestamps import now
from ftask.home.state_folder import STATE_DIR_VARIABLE
from ftask.local.engine import Engine
from ftask.local.record import PORT_VARIABLE
from tests.support.cli import Cli
from tests.support.engines import local_target
from tests.support.waiting import until

pytestmark = pytest.mark.engine


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_commands_at_once_start_one_engine(own_engine: Cli) -> None:
    commands = [own_engine.start("-o", "json", "local", "up") for _ in range(4)]
    ends = [finish(command) for command in commands]
    assert [code for code, _, _ in ends] == [0, 0, 0, 0]
    status = own_engine("local", "status", "-o", "json").json
    assert sum('"started": true' in out for _, out, _ in ends) == 1
    assert all(f'"pid": {status["pid"]}' in out for _, out, _ in ends)


def test_state_survives_a_stop(own_engine: Cli) -> None:
    root = Path(own_engine.environment[STATE_DIR_VARIABLE])
    root.mkdir(mode=0o755)
    (root / "engine.log").touch(0o644)
    assert own_engine("deploy", "--yes").code == 0
    key = own_engine("local", "credentials", "-o", "json").json
    task_id = own_engine("submit", "-m", "ERROR", "--wait", "-o", "json").json["taskId"]
    assert own_engine("local", "down").code == 0
    status = own_engine("local", "status")
    assert status.code == 1
    assert "is not running" in status.out
    again = own_engine("get", task_id, "-o", "json")
    assert again.json["status"] == "FAILED"
    assert "Started the local engine" in again.err
    assert own_engine("submit", "-m", "SUCCESS", "--wait").code == 0
    assert own_engine("info", "-o", "json").json["deadLetters"] == 1
    assert own_engine("local", "credentials", "-o", "json").json == key
    # Nothing of it is for other users of the machine, whatever it was before.
    kept = [root, *root.rglob("*")]
    assert {"engine.log", "credentials.json", "state", "s3"} <= {path.name for path in kept}
    assert [path for path in kept if not path.is_symlink() and path.stat().st_mode & 0o077] == []


SCHEDULED = """from ftask import task


@task(every="1h", catch_up=True)
def made_up(): ...


@task(every="1h")
def left_out(): ...
"""


def test_a_start_makes_up_for_the_last_firing_that_was_missed_once_where_that_is_declared(own_engine: Cli) -> None:
    (own_engine.folder / "ftask.toml").write_text('[tasks]\nmodule = "tasks"\n')
    (own_engine.folder / "tasks.py").write_text(SCHEDULED)
    assert own_engine("deploy", "--yes").code == 0
    stage = stage_at(own_engine)
    fired_at = now() - timedelta(hours=3, seconds=30)
    for name in ("made_up", "left_out"):
        stage.schedule_records.take(Firing(name, fired_at))
    for _ in range(2):
        assert own_engine("local", "down").code == 0
        assert own_engine("local", "up").code == 0
    # It is 30 seconds late, and has run by the name of its time: once, as often as the engine started.
    missed = Firing("made_up", fired_at + timedelta(hours=3)).task_id
    until(lambda: own_engine("get", missed).code == 0, "the missed firing has made its task")
    until(lambda: own_engine("get", missed, "-o", "json").json["status"] == "COMPLETED", "it ran")
    listed = own_engine("ls", "-o", "json").json
    assert [(task["type"], task["attempts"]) for task in listed] == [("made_up", 1)]


def stage_at(cli: Cli) -> Stage:
    target = local_target(Engine(Path(cli.environment[STATE_DIR_VARIABLE])))
    return Stage(target, deployed_stack(target))


def test_a_busy_engine_gets_no_second_one_on_its_state(own_engine: Cli) -> None:
    pid = own_engine("local", "up", "-o", "json").json["pid"]
    # Stopped, its process answers nothing: as one does that saves a large state.
    os.kill(pid, signal.SIGSTOP)
    try:
        again = own_engine.start("local", "up", "-o", "json")
        assert again.stderr is not None
        assert "Waiting for the local engine" in again.stderr.readline()
    finally:
        os.kill(pid, signal.SIGCONT)
    code, out, _ = finish(again)
    assert (code, json.loads(out)["pid"], json.loads(out)["started"]) == (0, pid, False)


def test_stages_come_back_at_their_port_or_not_at_all(own_engine: Cli) -> None:
    port = int(own_engine("local", "up", "-o", "json").json["endpointUrl"].rpartition(":")[2])
    own_engine("local", "down")
    elsewhere = own_engine("local", "up", **{PORT_VARIABLE: str(port - 1)})
    assert f"stages have their addresses at port {port}" in elsewhere.err
    with socket.create_server(("127.0.0.1", port)):
        done = own_engine("local", "up", **{PORT_VARIABLE: str(port)})
        assert (done.code, f"Another program uses port {port}" in done.err) == (1, True)
        del own_engine.environment[PORT_VARIABLE]
        done = own_engine("local", "up")
        assert done.code == 1
        assert f"Another program uses port {port}, at which the local engine's stages" in done.err
        assert own_engine("local", "reset", "--yes").code == 0
        assert own_engine("local", "up").code == 0


def test_a_killed_engine_is_noticed_and_reported(own_engine: Cli) -> None:
    own_engine("deploy", "--yes")
    assert own_engine("submit", "-m", "SUCCESS").code == 0
    os.kill(own_engine("local", "status", "-o", "json").json["pid"], signal.SIGKILL)
    # It calls the API that it remembers, which is gone.
    done = own_engine("submit", "-m", "SUCCESS")
    assert done.code == 1
    assert "was killed before" in done.err
    assert "has no stack" in done.err
    assert own_engine("deploy", "--yes").code == 0


def test_an_engine_that_dies_during_a_command_is_reported(own_engine: Cli) -> None:
    own_engine("deploy", "--yes", "--param", "BackoffBaseSeconds=900")
    task_id = own_engine("submit", "-m", "ERROR", "-o", "json").json["taskId"]
    watching = own_engine.start("watch", task_id)
    assert watching.stdout is not None
    watching.stdout.readline()
    os.kill(own_engine("local", "status", "-o", "json").json["pid"], signal.SIGKILL)
    code, _, err = finish(watching)
    assert code == 1
    assert "The local engine has ended" in err
    assert "Traceback" not in err


def test_ctrl_c_while_watching_says_that_the_task_goes_on(deployed: Cli) -> None:
    deployed("deploy", "--yes", "--param", "BackoffBaseSeconds=60")
    try:
        task_id = deployed("submit", "-m", "ERROR", "-o", "json").json["taskId"]
        watching = deployed.start("watch", task_id)
        assert watching.stdout is not None
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        code, _, err = finish(watching)
        assert code == 130
        assert f"The task goes on. Follow it with: ftask watch {task_id[:8]}" in err
        assert "Traceback" not in err
    finally:
        deployed("deploy", "--yes", "--param", "BackoffBaseSeconds=2")


def test_ctrl_c_while_deploying_says_what_goes_on(own_engine: Cli) -> None:
    deploying = own_engine.start("deploy", "--yes")
    assert deploying.stderr is not None
    while "CREATE_IN_PROGRESS" not in (line := deploying.stderr.readline()):
        assert line
    deploying.send_signal(signal.SIGINT)
    code, out, err = finish(deploying)
    # The engine may finish the deployment before the signal arrives; then the command says so, or ends well.
    goes_on = "CloudFormation continues" in err or "is deployed" in err
    assert (code == 130 and goes_on) or (code == 0 and "Deployed" in out)
    assert "Traceback" not in err
    assert own_engine("deploy", "--yes").code == 0


def test_reset_forgets_everything(own_engine: Cli) -> None:
    own_engine("deploy", "--yes")
    assert own_engine("local", "reset", "--yes").code == 0
    assert "has no stack" in own_engine("info").err


def test_the_engine_listens_on_the_loopback_interface_only(own_engine: Cli) -> None:
    port = int(own_engine("local", "up", "-o", "json").json["endpointUrl"].rpartition(":")[2])
    listeners = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = {line[1] for line in listeners if line[3] == "0A" and line[1].endswith(f":{port:04X}")}
    assert addresses == {f"0100007F:{port:04X}"}


def test_the_engines_log_can_be_read(deployed: Cli) -> None:
    done = deployed("local", "logs", "-n", "5")
    assert done.code == 0
    assert len(done.out.splitlines()) == 5
