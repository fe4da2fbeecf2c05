"""Every command on a terminal: narrow and wide, one that can move its cursor and one that cannot; and Ctrl-C."""

from __future__ import annotations

import signal
import socket
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ftask.aws.stack import deployed_stack, find_stack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.model import Failure
from ftask.core.timestamps import now
from ftask.home.state_folder import STATE_DIR_VARIABLE
from ftask.local.engine import Engine
from ftask.policy.commands import COMMANDS as CALLING_AWS
from tests.support.cli import Cli, make_cli
from tests.support.commands import COMMANDS
from tests.support.engines import local_target
from tests.support.stages import failed_task, put_failed
from tests.support.terminal import Terminal, on_a_terminal

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("on a terminal")]

CTRL_C = "\x03"
DEFECTS = ("Traceback", "Unexpected error", "bug in ftask")


@dataclass(frozen=True)
class Call:
    """A call of ftask, part of what it shows in the end, its exit code, and a question with what is typed then."""

    line: str
    shows: str
    code: int = 0
    question: str = ""
    answer: str = ""


@dataclass(frozen=True)
class World:
    """A project whose tasks are deployed, another engine with nothing in it, and a folder for files."""

    cli: Cli
    other: Cli
    files: Path

    @property
    def target(self) -> Target:
        return local_target(Engine(Path(self.cli.environment[STATE_DIR_VARIABLE])))

    def failed(self) -> str:
        """The id of a task that has just failed."""
        stage = Stage(self.target, deployed_stack(self.target))
        return put_failed(stage, failed_task(uuid.uuid4().int, now(), Failure("ValueError", "no customer"))).task_id

    def waiting(self) -> str:
        """The id of a task that waits, as the stage is paused."""
        assert self.cli("pause").code == 0
        task_id: str = self.cli("submit", "-m", "SUCCESS", "-o", "json").json["taskId"]
        return task_id

    def save_run(self, name: str) -> Path:
        """The result of an experiment in a file."""
        file = self.files / f"{name}.json"
        if not file.exists():
            assert self.cli("bench", "-n", "2", "--message", "SUCCESS", "--save", str(file)).code == 0
        return file


CONFIRMED = {"question": "[y/N]", "answer": "y\n"}
# Every command. What only prepares it runs without a terminal.
CALLS: dict[str, Callable[[World], Iterable[Call]]] = {
    "submit": lambda _: [
        Call("submit greet name=Ada --wait", "Hello, Ada!"),
        Call("submit -m ERROR --wait", "FAILED", 3),
        Call("submit -m SUCCESS -n 12 --wait", "12 COMPLETED"),
    ],
    "get": lambda world: [Call(f"get {world.failed()}", "no customer")],
    "watch": lambda world: [Call(f"watch {world.failed()}", "FAILED", 3)],
    "ls": lambda world: [Call("ls", world.failed()[:8]), Call("ls --status FAILED", "no customer")],
    "cancel": lambda world: [
        Call(f"cancel {world.waiting()}", "cancelled", **CONFIRMED),  # type: ignore[arg-type]
        Call("resume", "Consuming again."),
    ],
    "reschedule": lambda world: [
        Call(f"reschedule {world.waiting()} --delay 1h", "runs in"),
        Call("resume", "Consuming again."),
    ],
    "schedule ls": lambda _: [Call("schedule ls", "every 365 days")],
    "schedule run": lambda _: [
        Call("schedule run yearly", "PENDING"),
        Call("ls --status COMPLETED", "COMPLETED"),
    ],
    "schedule pause": lambda _: [
        Call("schedule pause yearly", "Paused yearly"),
        Call("schedule ls", "paused"),
        Call("schedule resume yearly", "Resumed yearly."),
    ],
    "schedule resume": lambda _: [Call("schedule resume yearly", "yearly is on.")],
    "dlq ls": lambda world: [Call("dlq ls", world.failed()[:8])],
    "dlq show": lambda world: [Call(f"dlq show {world.failed()}", "no customer")],
    "dlq redrive": lambda world: [
        Call(f"dlq redrive --task {world.failed()} --wait", "1 COMPLETED", **CONFIRMED),  # type: ignore[arg-type]
    ],
    "dlq discard": lambda world: [
        Call("dlq discard", "Nothing changed.", 1, "[y/N]", "n\n"),
        Call(f"dlq discard --task {world.failed()}", "1 discarded", **CONFIRMED),  # type: ignore[arg-type]
    ],
    "dlq drain": lambda world: [
        Call(f"dlq drain --type experiment --to {world.failed()}.jsonl", "drained into", **CONFIRMED),  # type: ignore[arg-type]
    ],
    "dlq peek": lambda world: [Call("dlq peek -n 1", "ValueError")] if world.failed() else [],
    "deploy": lambda _: [
        Call("deploy --param ErrorRate=0.25 --dry-run", "Nothing changed (--dry-run)."),
        Call("deploy --param ErrorRate=0.25", "Deployed ftask-local.", **CONFIRMED),  # type: ignore[arg-type]
        Call("deploy --param ErrorRate=0.3 --yes", "Deployed ftask-local."),
    ],
    "package": lambda world: [
        Call(f"package --stage prod --region eu-west-1 --to {world.files / uuid.uuid4().hex}", "Wrote the package")
    ],
    "remove": lambda _: [
        Call("remove", "Removed ftask-local.", **CONFIRMED),  # type: ignore[arg-type]
        Call("deploy --yes", "Deployed ftask-local."),
    ],
    "info": lambda _: [Call("info", "consuming")],
    "open": lambda _: [Call("open api --print", "/openapi.json")],
    "doctor": lambda _: [Call("doctor", "no problems")],
    "pause": lambda _: [Call("pause --wait", "Paused."), Call("resume", "Consuming again.")],
    "resume": lambda _: [Call("resume", "onsuming")],
    "logs": lambda _: [Call("submit -m SUCCESS --wait", "COMPLETED"), Call("logs", "accepted")],
    "config": lambda _: [Call("config", "local engine")],
    "policy": lambda _: [Call("policy submit --stage prod --region eu-west-1", '"Statement"')],
    "top": lambda _: [Call("top", "completed/s", 130, "completed/s", CTRL_C)],
    "bench": lambda _: [Call("bench -n 2 --message SUCCESS", "consistent with an error rate of 0 %")],
    "bench sweep": lambda _: [Call("bench sweep --simulate --tasks 100 --attempts 1,2", "simulated")],
    "bench compare": lambda world: [Call(f"bench compare {world.save_run('a')} {world.save_run('b')}", "attempts")],
    "bench report": lambda world: [
        Call(f"bench report {world.save_run('a')} --to {world.files / 'a.html'}", "a.html"),
    ],
    "bench cost": lambda _: [Call("bench cost --tasks-per-month 5e6", "USD")],
    "bench schema": lambda _: [Call("bench schema", "AttemptCount")],
    "init": lambda _: [Call(f"init {uuid.uuid4().hex}", "ftask run greet name=Ada")],
    "run": lambda _: [
        Call("run greet name=Ada", "Hello, Ada!"),
        Call("run experiment message=ERROR --no-wait", "SimulatedError", 3),
    ],
    "dev": lambda _: [Call("dev", "Watching", 130, "Ctrl-C ends.", CTRL_C)],
    "types": lambda _: [Call("types", "greet"), Call("types --stage local", "greet")],
    "local up": lambda _: [Call("local up", "the local engine at http://127.0.0.1:")],
    "local status": lambda _: [Call("local up", "the local engine"), Call("local status", "The local engine runs")],
    "local logs": lambda _: [Call("local up", "the local engine"), Call("local logs -n 3", "INFO")],
    "local credentials": lambda _: [Call("local credentials", "endpoint URL")],
    "local down": lambda _: [Call("local up", "the local engine"), Call("local down", "its state is kept")],
    "local reset": lambda _: [Call("local reset", "stopped and empty", **CONFIRMED)],  # type: ignore[arg-type]
    "help": lambda _: [Call("help", "exit-codes"), Call("help submit", "ftask submit greet")],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder, state, other = map(tmp_path_factory.mktemp, ("terminal", "state", "other"))
    cli = make_cli(state, folder)
    assert cli("init", "hello").code == 0
    cli = replace(cli, folder=folder / "hello")
    with (cli.folder / "tasks.py").open("a") as tasks:
        tasks.write('\n\n@task(every="365d")\ndef yearly():\n    """Run once a year."""\n')
    done = cli("deploy", "--yes")
    assert done.code == 0, done.err
    yield World(cli, make_cli(other, folder), folder)
    for root in (state, other):
        Engine(root).stop()


def require_sound(terminal: Terminal) -> None:
    assert not [defect for defect in DEFECTS if defect in terminal.text], terminal.text
    assert terminal.is_restored, terminal.written
    assert terminal.too_long == []


def test_every_command_is_called_on_a_terminal() -> None:
    assert CALLS.keys() == COMMANDS.keys()


def on_each_terminal() -> Iterator[object]:
    """A usual run takes one kind of terminal for a command and the other one for the next."""
    for number, command in enumerate(CALLS):
        for kind, (columns, term) in enumerate([(80, "xterm-256color"), (160, "dumb")]):
            marks = [pytest.mark.whole] if (number + kind) % 2 else []
            yield pytest.param(command, columns, term, marks=marks, id=f"{command}-{term}")


@pytest.mark.parametrize(("command", "columns", "kind"), list(on_each_terminal()))
def test_a_command_shows_its_result_on_a_terminal(world: World, command: str, columns: int, kind: str) -> None:
    for call in CALLS[command](world):
        cli = world.other if command.startswith("local ") else world.cli
        with on_a_terminal(cli, *call.line.split(), columns=columns, TERM=kind) as terminal:
            if call.question:
                terminal.until(call.question)
                terminal.press(call.answer)
            assert terminal.ended() == call.code, terminal.text
        require_sound(terminal)
        assert call.shows in terminal.text
        if kind == "dumb":
            assert "\x1b" not in terminal.written


# What a command goes on with until it is told to end, once it has shown a text.
GOING_ON = {
    "submit -m SLOW:2 -n 12 --wait": "0 of 12 ended",
    "top": "completed/s",
    "logs --follow": "accepted",
    "bench -n 4 --message SLOW:2": "of 4",
    "run experiment message=ERROR": "attempt 1",
    "dlq redrive": "[y/N]",
    "deploy --param ErrorRate=0.9": "[y/N]",
}


@pytest.mark.parametrize("line", GOING_ON)
def test_ctrl_c_ends_what_goes_on(world: World, line: str) -> None:
    world.failed()
    with on_a_terminal(world.cli, *line.split(), columns=160) as terminal:
        terminal.until(GOING_ON[line])
        terminal.press(CTRL_C)
        assert terminal.ended() == 130
    require_sound(terminal)


@pytest.mark.parametrize("command", CALLING_AWS)
def test_ctrl_c_ends_a_command_that_waits_for_aws(command: str, world: World, tmp_path: Path) -> None:
    arguments = {
        "open": "stack",
        "submit": "-m x",
        "get": "f" * 32,
        "watch": "f" * 32,
        "cancel": "f" * 32 + " --yes",
        "reschedule": "f" * 32 + " --now",
        "schedule run": "yearly",
        "schedule pause": "yearly",
        "schedule resume": "yearly",
        "dlq show": "f" * 32,
        "dlq drain": "--no-save",
    }
    line = f"{command} {arguments.get(command, '')} --stage dev --region eu-west-1".split()
    cli = make_cli(tmp_path / "state", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as never_answers:
        where = f"http://127.0.0.1:{never_answers.getsockname()[1]}"
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": where}
        with on_a_terminal(cli, *line, columns=160, **keys) as terminal:
            never_answers.settimeout(60)
            connection, _ = never_answers.accept()
            with connection:
                terminal.press(CTRL_C)
                assert terminal.ended() == 130, terminal.text
    require_sound(terminal)


@pytest.mark.parametrize("closes", [False, True])
def test_a_plan_that_is_left_at_the_question_leaves_nothing_behind(closes: bool, own_engine: Cli) -> None:
    with on_a_terminal(own_engine, "deploy") as terminal:
        terminal.until("[y/N]")
        if closes:
            assert terminal.hang_up() == -signal.SIGHUP
        else:
            terminal.press(CTRL_C)
            assert terminal.ended() == 130
    assert find_stack(local_target(Engine(own_engine.folder / "state"))) is None
