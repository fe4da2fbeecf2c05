"""`ftask.toml`: the settings of a team's stages, and its own tasks."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ftask.core.errors import FtaskError

FILE = "ftask.toml"
FILE_VARIABLE = "FTASK_CONFIG"

# How CloudFormation writes a boolean.
_BOOLEANS = {True: "true", False: "false"}


class TasksConfig(BaseModel):
    """The table `[tasks]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    module: str = "tasks"
    include: list[str] = Field(default_factory=list)
    requirements: str | None = None
    policy: str | None = None
    environment: dict[str, str] = Field(default_factory=dict)


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
        FtaskError: the file cannot be read, or is invalid; with the line and the key.
    """
    path = find_file()
    if path is None:
        return Config(None, {})
    try:
        text = path.read_text(encoding="utf-8")
        file = _File.model_validate(tomllib.loads(text))
        return Config(path, file.stages, file.tasks)
    except OSError as error:
        raise FtaskError(f"Cannot read {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FtaskError(f"Invalid TOML in {path}: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in _keys(first["loc"]))
        reason = "unknown setting" if first["type"] == "extra_forbidden" else first["msg"]
        raise FtaskError(
            f"{path}, line {_line(text, list(_keys(first['loc'])))}: {key}: {reason}.",
            "Settings of a stage: profile, region, endpoint_url, artifact_bucket, protected, parameters, tags.",
        ) from None


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
