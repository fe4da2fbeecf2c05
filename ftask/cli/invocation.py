"""One run of a command: its options and what they open."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property

import typer

from ftask.aws.api import ApiClient, bearer_token
from ftask.aws.stack import StackOutputs, deployed_stack
from ftask.aws.stage import Stage
from ftask.aws.target import Target, read_profile
from ftask.cli.config_file import Config, chosen_stage, load_config
from ftask.cli.options import GlobalOptions
from ftask.cli.settings import Settings, resolve
from ftask.cli.signals import EndedBySignalError
from ftask.client.connection import STAGE_VARIABLE, TOKEN_VARIABLE
from ftask.core.codec import TASK_ID
from ftask.core.errors import FtaskError
from ftask.core.local_stage import LOCAL_STAGE
from ftask.home.cache import KnownUrl, recent_ids, remember_ids
from ftask.home.state_folder import fullness_warning
from ftask.local.engine import Engine
from ftask.local.record import RunningEngine
from ftask.ops.task_ids import find_in_table, find_shown, normalize_id
from ftask.render.screen import Screen

# How long at most a signal may wait for Python to look at it while a question is open.
_SIGNAL_SECONDS = 0.5


class Invocation(typer.Context):
    """What a command works with: Click's context, and what the global options open."""

    obj: GlobalOptions
    # Printed after Ctrl-C: what goes on without the command, and how to come back to it. None prints nothing.
    if_interrupted: str | Callable[[], str] | None = ""
    _engine: RunningEngine | None = None

    @property
    def options(self) -> GlobalOptions:
        return self.obj

    @property
    def stage_name(self) -> str:
        return chosen_stage(self.options, self.config).value

    @cached_property
    def screen(self) -> Screen:
        return Screen(
            json=self.options.is_json,
            quiet=self.options.quiet.value,
            whole=self.options.no_trunc.value,
        )

    @cached_property
    def settings(self) -> Settings:
        """How the stage is reached, and where each of these settings comes from."""
        return resolve(self.options, self.config, os.environ, read_profile)

    @cached_property
    def target(self) -> Target:
        """Where the command works; starts the local engine for a local stage."""
        default = os.environ.get(STAGE_VARIABLE) or self.config.default_stage or LOCAL_STAGE
        return replace(self._open_target(), default_stage=default)

    def _open_target(self) -> Target:
        if not self.settings.uses_engine:
            return self.settings.target()
        engine = Engine(note=self.screen.note)
        running, started = engine.running(), False
        if running is None:
            crashed = engine.crashed()
            running, started = engine.ensure()
            if started:
                self.screen.note(f"Started the local engine at {running.endpoint_url} (ministack {running.version}).")
            if crashed:
                self.screen.warn(
                    "The local engine was killed before; what it had not saved is lost."
                    f" If the stack is missing, run: ftask deploy --stage {self.stage_name}"
                )
        if warning := fullness_warning(engine.root):
            self.screen.warn(warning)
        self._engine = running
        target = Target.local(*running.connection, self.stage_name)
        if started:
            # Only a start needs it, and it takes every other command 100 ms to import.
            from ftask.cli.catching_up import catch_up_after_start

            catch_up_after_start(target)
        return target

    @cached_property
    def config(self) -> Config:
        """The settings in `ftask.toml`."""
        return load_config()

    @cached_property
    def stage(self) -> Stage:
        """The deployed stage."""
        return Stage(self.target, deployed_stack(self.target))

    @cached_property
    def api(self) -> ApiClient:
        """A client of the stage's API, at the URL that an earlier command found, or that the stack has."""
        if os.environ.get(TOKEN_VARIABLE):
            # A token goes only to the stage that it was issued for, as the stack says it now.
            token = bearer_token(self.stage.stack, os.environ)
            return ApiClient(self.target, self.outputs.api_url, token=token)
        known = KnownUrl(self.target)
        url = known.read()
        if url is None:
            return ApiClient(self.target, known.remember(self.outputs.api_url))

        def find_url() -> str:
            known.forget()
            return known.remember(self.outputs.api_url)

        return ApiClient(self.target, url, find_url=find_url)

    @property
    def outputs(self) -> StackOutputs:
        return self.stage.outputs

    def shown_ids(self, task_ids: Iterable[str]) -> Mapping[str, str]:
        """Return how a result shows the ids, and remember them, so that their first digits are enough for a command."""
        ids = list(task_ids)
        remember_ids(self.stage_name, ids)
        return self.screen.shown_ids(ids)

    def task_id(self, text: str) -> str:
        """Return the whole id of the task that `text` means: its id, or the first digits of it.

        Digits of an id that a command has shown lately need no request; others are looked for in the table.
        """
        if TASK_ID.fullmatch(text):
            return text

        digits = normalize_id(text)
        if TASK_ID.fullmatch(digits):
            return digits
        shown = find_shown(digits, recent_ids(self.stage_name))
        return shown or find_in_table(self.stage, digits, self.screen.note)

    def task_ids(self, texts: Iterable[str]) -> list[str]:
        """Return the whole ids of the tasks that `texts` mean, each once; see :meth:`task_id`."""
        return list(dict.fromkeys(self.task_id(text) for text in texts))

    def advice(self, error: FtaskError) -> str | None:
        """Return what to do about `error`: its hint, unless the local engine has ended meanwhile."""
        if self.has_engine_ended():
            return (
                "The local engine has ended. See why with: ftask local logs\n"
                "The next command starts it again, with the state of its last stop by ftask local down."
            )
        return error.hint

    def has_engine_ended(self) -> bool:
        """Whether the local engine that the command used is gone, even if another program answers at its port."""
        return self._engine is not None and Engine().has_ended(self._engine)

    def confirm(self, question: str, *, yes: bool, hint: str = "Run it again with --yes.") -> None:
        """Ask before something that cannot be undone; `hint` says what to do where no terminal is there to ask."""
        if not yes and self._answer(f"{question} [y/N] ", question, hint).lower() not in ("y", "yes"):
            raise FtaskError("Nothing changed.")

    def confirm_by_name(self, question: str, *, yes: bool) -> None:
        """Ask for the stage's name before something that loses data."""
        if not yes:
            self._ask_name(question, "Run it again with --yes.")

    def confirm_protected(self, question: str) -> None:
        """Ask for the name of a protected stage; no option answers in advance."""
        self._ask_name(question, "The stage is protected: run the command in a terminal, and type its name.")

    def _ask_name(self, question: str, hint: str) -> None:
        stage = self.stage_name
        if self._answer(f"{question} Type the name of the stage, {stage}: ", question, hint) != stage:
            raise FtaskError("Nothing changed.")

    def _answer(self, prompt: str, question: str, hint: str) -> str:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise FtaskError(f"Cannot ask without a terminal: {question}", hint)
        sys.stderr.write(prompt)
        sys.stderr.flush()
        try:
            # A signal between Python's last look for one and the start of a read counts only when the read has ended.
            while not select.select([sys.stdin], [], [], _SIGNAL_SECONDS)[0]:
                pass
            line = sys.stdin.readline()
        except EndedBySignalError:
            raise
        except KeyboardInterrupt:
            sys.stderr.write("\n")  # the terminal shows ^C behind the question
            raise
        except OSError:
            line = ""
        if not line and not sys.stdin.isatty():
            # The terminal was closed. A read sees that before the SIGHUP that follows.
            raise EndedBySignalError(signal.SIGHUP)
        return line.strip()
