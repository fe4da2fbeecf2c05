"""`ftask.toml`: what a team has settled about its stages. Flags and the environment go before it."""

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

# Parameters of CloudFormation are texts.
_TEXTS = {True: "true", False: "false"}


class StageConfig(BaseModel):
    """One `[stages.NAME]`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    artifact_bucket: str | None = None
    protected: bool = False
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)

    def overrides(self) -> dict[str, str]:
        """The parameters as CloudFormation takes them; a protected stage has its deletion protection."""
        protection: dict[str, str] = {"DeletionProtection": "true"} if self.protected else {}
        return protection | {
            name: _TEXTS[value] if isinstance(value, bool) else str(value) for name, value in self.parameters.items()
        }


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    stages: dict[str, StageConfig] = Field(default_factory=dict)


@dataclass(frozen=True)
class Config:
    """The file, if there is one, and what it says of a stage."""

    path: Path | None
    stages: dict[str, StageConfig]

    def stage(self, name: str) -> StageConfig:
        return self.stages.get(name, StageConfig())


def find() -> Path | None:
    """The file that FTASK_CONFIG names, or the nearest one from here upwards."""
    configured = os.environ.get(FILE_VARIABLE)
    if configured:
        return Path(configured)
    here = Path.cwd()
    return next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)


def load() -> Config:
    """What the file says.

    Raises:
        FtaskError: it cannot be read, or says something that makes no sense; with the line and the key.
    """
    path = find()
    if path is None:
        return Config(None, {})
    try:
        text = path.read_text(encoding="utf-8")
        return Config(path, _File.model_validate(tomllib.loads(text)).stages)
    except OSError as error:
        raise FtaskError(f"{path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FtaskError(f"{path} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in _keys(first["loc"]))
        wrong = "there is no such setting" if first["type"] == "extra_forbidden" else first["msg"]
        raise FtaskError(
            f"{path}, line {_line(text, list(_keys(first['loc'])))}: {key}: {wrong}.",
            "A stage has profile, region, endpoint_url, artifact_bucket, protected, parameters and tags.",
        ) from None


def _keys(location: tuple[Any, ...]) -> list[str]:
    """The keys of the file that a validation error is about, without the names of the types that were tried."""
    kinds = {"bool", "int", "float", "str"}
    return [str(part) for part in location if part not in kinds]


def _line(text: str, keys: list[str]) -> int:
    """The line of the last of `keys` that the file names in its own right; the parser does not tell."""
    table: list[str] = []
    best, depth = 1, 0
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[([^\[\]]+)\]", line)
        assigned = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if header:
            table = _path(header.group(1))
        found = table if header else [*table, *_path(assigned.group(1))] if assigned else []
        if found and found == keys[: len(found)] and len(found) > depth:
            best, depth = number, len(found)
    return best


def _path(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]
