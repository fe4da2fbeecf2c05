"""`ftask.toml`: the settings of a team's stages, and its own tasks."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ftask.core.errors import FtaskError
from ftask.private_files import user_id

if TYPE_CHECKING:
    from ftask.deploy.project import Project

FILE = "ftask.toml"
FILE_VARIABLE = "FTASK_CONFIG"
_ROOT = 0

_REASONS = {"extra_forbidden": "unknown setting", "missing": "missing setting"}
# How CloudFormation writes a boolean.
_BOOLEANS = {True: "true", False: "false"}


class TasksConfig(BaseModel):
    """The table `[tasks]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    module: str
    include: list[str] = Field(default_factory=list)
    requirements: str | None = None
    policy: str | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)


class StageTasksConfig(BaseModel):
    """The table `[stages.NAME.tasks]`: a policy instead of the one in `[tasks]`, more variables and secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: str | None = None
    environment: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)


class StageConfig(BaseModel):
    """One table `[stages.NAME]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    artifact_bucket: str | None = None
    protected: bool = False
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    tasks: StageTasksConfig = StageTasksConfig()

    def overrides(self) -> dict[str, str]:
        """Return the stack parameters as texts; a protected stage includes DeletionProtection."""
        protection: dict[str, str] = {"DeletionProtection": "true"} if self.protected else {}
        return protection | {
            name: _BOOLEANS[value] if isinstance(value, bool) else str(value) for name, value in self.parameters.items()
        }


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    stages: dict[str, StageConfig] = Field(default_factory=dict)
    tasks: TasksConfig | None = None


@dataclass(frozen=True)
class Config:
    """The stages and the tasks of the file; without a file, `path` is None."""

    path: Path | None
    stages: dict[str, StageConfig]
    tasks: TasksConfig | None = None

    def stage(self, name: str) -> StageConfig:
        """Return the settings of a stage; empty ones if the file does not name it."""
        return self.stages.get(name, StageConfig())

    def stage_tasks(self, name: str) -> TasksConfig | None:
        """Return the settings of the user's own tasks on a stage, or None without own tasks."""
        if self.tasks is None:
            return None
        stage = self.stage(name).tasks
        return self.tasks.model_copy(
            update={
                "policy": stage.policy or self.tasks.policy,
                "environment": self.tasks.environment | stage.environment,
                "secrets": self.tasks.secrets | stage.secrets,
            },
        )

    def project(self, stage_name: str) -> Project | None:
        """Return the project with the user's own tasks, as a stage has it, or None without own tasks.

        Raises:
            FtaskError: a setting does not fit the folder of the file.
        """
        from ftask.deploy.project import open_project

        tasks = self.stage_tasks(stage_name)
        if tasks is None or self.path is None:
            return None
        return open_project(
            self.path.absolute().parent,
            tasks.module,
            include=tasks.include,
            requirements=tasks.requirements,
            policy=tasks.policy,
            environment=tasks.environment,
            secrets=tasks.secrets,
        )


def find_file() -> Path | None:
    """Return the file that FTASK_CONFIG names, else the nearest one in this folder or above; None if none exists."""
    configured = os.environ.get(FILE_VARIABLE)
    if configured:
        return Path(configured)
    here = Path.cwd()
    return next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)


def load_config() -> Config:
    """Return the configuration of this folder.

    Raises:
        FtaskError: the file belongs to another user, cannot be read, or is invalid; with the line and the key.
    """
    path = find_file()
    if path is None:
        return Config(None, {})
    try:
        _require_trusted(path)
        text = path.read_text(encoding="utf-8")
        file = _File.model_validate(tomllib.loads(text))
    except OSError as error:
        raise FtaskError(f"Cannot read {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FtaskError(f"Invalid TOML in {path}: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        reason = _REASONS.get(first["type"], first["msg"])
        raise _invalid(path, text, _keys(first["loc"]), reason) from None
    for name, stage in file.stages.items():
        if file.tasks is None and (settings := sorted(stage.tasks.model_fields_set)):
            raise _invalid(path, text, ["stages", name, "tasks", settings[0]], "this file has no table [tasks]")
    return Config(path, file.stages, file.tasks)


def _require_trusted(path: Path) -> None:
    """Refuse a file that another user put into this folder or above it: its tasks run with the rights of this user."""
    if os.environ.get(FILE_VARIABLE):
        return  # who names the file trusts it
    trusted = {user_id(), _ROOT}
    if user_id() == _ROOT and (caller := os.environ.get("SUDO_UID", "")).isdecimal():
        trusted.add(int(caller))
    # Of a link too: the tasks are imported from beside it.
    for owner in (path.lstat().st_uid, path.stat().st_uid):
        if owner not in trusted:
            raise FtaskError(
                f"{path} belongs to another user (uid {owner}), whose settings and tasks would run with your rights.",
                f"If you trust it, say so: export {FILE_VARIABLE}={shlex.quote(str(path))}",
            )


def _invalid(path: Path, text: str, keys: list[str], reason: str) -> FtaskError:
    return FtaskError(f"{path}, line {_line(text, keys)}: {'.'.join(keys)}: {reason}.", _settings_near(keys))


def _settings_near(keys: list[str]) -> str:
    """Return which settings the table that `keys` lead to may have."""
    match keys:
        case ["tasks", *_]:
            title, model = "Settings of [tasks]", TasksConfig.model_fields
        case ["stages", name, "tasks", *_]:
            title, model = f"Settings of [stages.{name}.tasks]", StageTasksConfig.model_fields
        case _:
            title, model = "Settings of a stage", StageConfig.model_fields
    return f"{title}: {', '.join(model)}."


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
