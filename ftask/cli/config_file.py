"""`ftask.toml`: the settings of a team's stages, and its own tasks."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ftask.cli.options import DEFAULT, GlobalOptions, Setting
from ftask.core.errors import FtaskError
from ftask.core.local_stage import is_local, secret_arn
from ftask.deploy.project import Project, open_project
from ftask.home.private_files import user_id

FILE = "ftask.toml"
FILE_VARIABLE = "FTASK_CONFIG"
_ROOT = 0

_REASONS = {"unexpected_keyword_argument": "unknown setting", "missing": "missing setting"}
# What pydantic is to know of each class, which a command without a file need not import.
_STRICT: Any = {"extra": "forbid"}
# How CloudFormation writes a boolean.
_BOOLEANS = {True: "true", False: "false"}


@dataclass(frozen=True)
class TasksConfig:
    """The table `[tasks]`."""

    __pydantic_config__ = _STRICT

    module: str
    include: list[str] = field(default_factory=list)
    requirements: str | None = None
    policy: str | None = None
    submits: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StageTasksConfig:
    """The table `[stages.NAME.tasks]`: a policy instead of the one in `[tasks]`, more variables and secrets."""

    __pydantic_config__ = _STRICT

    policy: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class StageConfig:
    """One table `[stages.NAME]`."""

    __pydantic_config__ = _STRICT

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    artifact_bucket: str | None = None
    role_arn: str | None = None
    protected: bool = False
    parameters: dict[str, bool | int | float | str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    tasks: StageTasksConfig = StageTasksConfig()

    def overrides(self) -> dict[str, str]:
        """Return the stack parameters as texts; a protected stage includes DeletionProtection."""
        protection: dict[str, str] = {"DeletionProtection": "true"} if self.protected else {}
        return protection | {
            name: _BOOLEANS[value] if isinstance(value, bool) else str(value) for name, value in self.parameters.items()
        }


@dataclass(frozen=True)
class LocalConfig:
    """The table `[local]`: what the stages of the local engine have besides their stacks."""

    __pydantic_config__ = _STRICT

    buckets: list[str] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _File:
    __pydantic_config__ = _STRICT

    stage: str | None = None
    local: LocalConfig = LocalConfig()
    stages: dict[str, StageConfig] = field(default_factory=dict)
    tasks: TasksConfig | None = None


@dataclass(frozen=True)
class Config:
    """The stages and the tasks of the file; without a file, `path` is None.

    `default_stage` is the stage of commands that name none; None for `local`.
    """

    path: Path | None
    stages: dict[str, StageConfig]
    tasks: TasksConfig | None = None
    default_stage: str | None = None
    local: LocalConfig = LocalConfig()

    def stage(self, name: str) -> StageConfig:
        """Return the settings of a stage; empty ones if the file does not name it."""
        return self.stages.get(name, StageConfig())

    def stage_tasks(self, name: str) -> TasksConfig | None:
        """Return the settings of the user's own tasks on a stage, or None without own tasks."""
        if self.tasks is None:
            return None
        stage, local = self.stage(name).tasks, self.local.secrets if is_local(name) else ()
        return replace(
            self.tasks,
            policy=stage.policy or self.tasks.policy,
            environment=self.tasks.environment | stage.environment,
            secrets=self.tasks.secrets | {variable: secret_arn(name, variable) for variable in local} | stage.secrets,
        )

    def project(self, stage_name: str) -> Project | None:
        """Return the project with the user's own tasks, as a stage has it, or None without own tasks."""
        tasks = self.stage_tasks(stage_name)
        if tasks is None or self.path is None:
            return None
        return open_project(
            self.path.absolute().parent,
            tasks.module,
            include=tasks.include,
            requirements=tasks.requirements,
            policy=tasks.policy,
            submits=tasks.submits,
            environment=tasks.environment,
            secrets=tasks.secrets,
        )


def chosen_stage(options: GlobalOptions, config: Config) -> Setting[str]:
    """Return the stage of the option or the environment, else the project's own."""
    if options.stage.source == DEFAULT and config.default_stage is not None:
        return Setting(config.default_stage, str(config.path))
    return options.stage


def find_file() -> Path | None:
    """Return the file that FTASK_CONFIG names, else the nearest one in this folder or above; None if none exists."""
    configured = os.environ.get(FILE_VARIABLE)
    if configured:
        return Path(configured)
    here = Path.cwd()
    return next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)


def load_config() -> Config:
    """Return the configuration of this folder."""
    path = find_file()
    if path is None:
        return Config(None, {})
    # 0.1 s of CPU, which a folder without a file need not spend.
    from pydantic import TypeAdapter, ValidationError

    try:
        _require_trusted(path)
        text = path.read_text(encoding="utf-8-sig")
        tables = tomllib.loads(text)
        file = TypeAdapter(_File).validate_python(tables)
    except OSError as error:
        raise FtaskError(f"Cannot read {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise FtaskError(f"Cannot read {path}: it is not UTF-8 ({error}).", "Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise FtaskError(f"Invalid TOML in {path}: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        reason = _REASONS.get(first["type"], first["msg"])
        raise _invalid(path, text, _keys(first["loc"]), reason) from None
    for name in file.stages:
        if file.tasks is None and (settings := sorted(tables["stages"][name].get("tasks", {}))):
            raise _invalid(path, text, ["stages", name, "tasks", settings[0]], "this file has no table [tasks]")
    if file.stage is not None and not is_local(file.stage):
        raise FtaskError(
            f"{path}, line {_line(text, ['stage'])}: stage: it must be on this machine, like local-shop.",
            f"Name other stages where they are meant, with --stage {file.stage} or FTASK_STAGE.",
        )
    return Config(path, file.stages, file.tasks, file.stage, file.local)


def _require_trusted(path: Path) -> None:
    """Refuse a file that another user put into this folder or above it: its tasks run with the rights of this user."""
    if os.environ.get(FILE_VARIABLE):
        return  # who names the file trusts it
    trusted = {user_id(), _ROOT}
    if user_id() == _ROOT and (caller := os.environ.get("SUDO_UID", "")).isdecimal():
        trusted.add(int(caller))
    # Of a link too: the tasks are imported from its folder.
    for owner in (path.lstat().st_uid, path.stat().st_uid):
        if owner not in trusted:
            raise FtaskError(
                f"{path} belongs to another user (uid {owner}), whose settings and tasks would run with your rights.",
                f"If you trust it, say so: export {FILE_VARIABLE}={shlex.quote(str(path))}",
            )


def _invalid(path: Path, text: str, keys: list[str], reason: str) -> FtaskError:
    return FtaskError(f"{path}, line {_line(text, keys)}: {'.'.join(keys)}: {reason}.", _settings_near(keys))


def _settings_near(keys: list[str]) -> str:
    match keys:
        case ["tasks", *_]:
            title, known = "Settings of [tasks]", fields(TasksConfig)
        case ["stages", name, "tasks", *_]:
            title, known = f"Settings of [stages.{name}.tasks]", fields(StageTasksConfig)
        case ["local", *_]:
            title, known = "Settings of [local]", fields(LocalConfig)
        case _:
            title, known = "Settings of a stage", fields(StageConfig)
    return f"{title}: {', '.join(each.name for each in known)}."


def _keys(location: tuple[Any, ...]) -> list[str]:
    """Return the keys in the path of a validation error, without the names of the types that were tried."""
    kinds = {"bool", "int", "float", "str"}
    return [str(part) for part in location if part not in kinds]


def _line(text: str, keys: list[str]) -> int:
    """Return the line of the innermost of `keys` that the file names; the TOML parser does not report it."""
    table: list[str] = []
    best, depth = 1, 0
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        assigned = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if header:
            table = _path(header.group(1))
        path = table if header else [*table, *_path(assigned.group(1))] if assigned else []
        if path and path == keys[: len(path)] and len(path) > depth:
            best, depth = number, len(path)
    return best


def _path(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
