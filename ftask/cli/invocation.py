"""One run of a command: the global options, and what they open. Heavy imports wait until they are needed."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ftask.core.errors import FtaskError

if TYPE_CHECKING:
    from ftask.aws.stack import StackOutputs
    from ftask.aws.stage import Stage
    from ftask.aws.target import Target
    from ftask.cli.config_file import Config
    from ftask.local.record import RunningEngine
    from ftask.render.screen import Screen

LOCAL_STAGE = "local"


class UsageError(FtaskError):
    """The command was called in a way that makes no sense; exit code 2."""


class Output(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True)
class GlobalOptions:
    """The options that every command takes, before or after its name."""

    stage: str = LOCAL_STAGE
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    output: Output = Output.TABLE
    quiet: bool = False

    def overridden(self, given: dict[str, Any]) -> GlobalOptions:
        """These options, with those that were given after the command's name."""
        return replace(self, **{name: value for name, value in given.items() if value is not None})


@dataclass
class Invocation:
    """What a command works with.

    `if_interrupted` is said after Ctrl-C: what goes on without the command, and how to come back to it.
    """

    options: GlobalOptions
    if_interrupted: str = field(default="")
    _engine: RunningEngine | None = field(default=None, init=False)

    @cached_property
    def screen(self) -> Screen:
        from ftask.render.screen import Screen

        return Screen(json=self.options.output is Output.JSON, quiet=self.options.quiet)

    @property
    def uses_engine(self) -> bool:
        return self.options.stage == LOCAL_STAGE and self.options.endpoint_url is None

    @cached_property
    def target(self) -> Target:
        """Where the command works; starts the local engine if that is where.

        Raises:
            FtaskError: the engine does not start, or the stage's name is none.
        """
        from ftask.aws.target import Target

        if not self.uses_engine:
            return self.chosen_target()
        from ftask.local.engine import Engine

        for name, value in (("--profile", self.options.profile), ("--region", self.options.region)):
            if value is not None:
                raise FtaskError(
                    f"{name} has no meaning on the stage 'local'.", "Choose a stage of yours with --stage."
                )
        engine = Engine()
        crashed = engine.crashed()
        running, started = engine.ensure()
        if started:
            self.screen.note(f"Started the local engine at {running.endpoint_url} (ministack {running.version}).")
        if crashed:
            self.screen.warn(
                "The local engine had ended without being stopped; what it had not saved is gone."
                " If the stack is missing, run: ftask deploy"
            )
        self._engine = running
        return Target.local(running.endpoint_url)

    def chosen_target(self) -> Target:
        """The stage as flags, environment and file have it, in this order; for any but the local engine's."""
        from ftask.aws.target import Target

        options, filed = self.options, self.config.stage(self.options.stage)
        # What the environment says, the session finds by itself: it must only not be overruled here.
        named = "AWS_PROFILE" in os.environ
        placed = "AWS_REGION" in os.environ or "AWS_DEFAULT_REGION" in os.environ
        return Target(
            options.stage,
            options.profile or (None if named else filed.profile),
            options.region or (None if placed else filed.region),
            options.endpoint_url or filed.endpoint_url,
        )

    @cached_property
    def config(self) -> Config:
        """What `ftask.toml` says.

        Raises:
            FtaskError: it cannot be understood.
        """
        from ftask.cli.config_file import load

        return load()

    @cached_property
    def stage(self) -> Stage:
        """The deployed stage.

        Raises:
            StackNotFoundError: nothing is deployed there, or not completely.
        """
        from ftask.aws.stack import deployed_stack
        from ftask.aws.stage import Stage

        return Stage(self.target, deployed_stack(self.target))

    @property
    def outputs(self) -> StackOutputs:
        return self.stage.outputs

    def advice(self, error: FtaskError) -> str | None:
        """What to do about `error`, knowing where the command worked."""
        if self._engine is not None and self._engine_ended():
            return (
                "The local engine has ended. See why with: ftask local logs. The next command starts it again, with"
                " the state of its last orderly stop (ftask local down)."
            )
        return error.hint

    def _engine_ended(self) -> bool:
        """Whether the engine that the command worked with is gone, even if another program answers at its port."""
        from ftask.local.engine import Engine

        return Engine().running() != self._engine

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask before something that cannot be taken back.

        Raises:
            FtaskError: the answer was no, or there is nobody to ask.
        """
        if not yes and self._answer(f"{question} [y/N] ", question).lower() not in ("y", "yes"):
            raise FtaskError("Nothing was done.")

    def confirm_by_name(self, question: str, *, yes: bool) -> None:
        """Ask for the stage's name before something that loses data.

        Raises:
            FtaskError: the answer was another one, or there is nobody to ask.
        """
        if not yes:
            self._ask_name(question, "Run it again with --yes.")

    def confirm_protected(self, question: str) -> None:
        """Ask for the name of a protected stage; nothing stands for the answer.

        Raises:
            FtaskError: the answer was another one, or there is nobody to ask.
        """
        self._ask_name(question, "The stage is protected: run it in a terminal, where its name can be typed.")

    def _ask_name(self, question: str, hint: str) -> None:
        stage = self.options.stage
        if self._answer(f"{question} Type the name of the stage, {stage}: ", question, hint) != stage:
            raise FtaskError("Nothing was done.")

    def _answer(self, prompt: str, question: str, hint: str = "Run it again with --yes.") -> str:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise FtaskError(f"{question} Nobody is here to answer.", hint)
        sys.stderr.write(prompt)
        sys.stderr.flush()
        return sys.stdin.readline().strip()
