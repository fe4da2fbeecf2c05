"""What a project requires, read before anything is installed: a requirements.txt, or a pylock.toml."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from ftask.core.errors import FtaskError

LOCK_FILES = ("uv.lock", "pyproject.toml")
# Locks of other tools, which uv does not read, and the command that exports each as a requirements.txt.
_EXPORTS = {
    "poetry.lock": "poetry export --output requirements.txt",
    "Pipfile.lock": "pipenv requirements > requirements.txt",
}
_COMMENT = re.compile(r"(^|\s+)#.*$")
_INCLUDE = re.compile(r"(?P<option>-r|-c|--requirement|--constraint)(?:\s*=\s*|\s*)(?P<file>.+)")
_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=\s*|\s+)(?P<location>.+)")
_FIND_LINKS = re.compile(r"(?:-f|--find-links)(?:\s*=\s*|\s*)(?P<path>.+)")
_OPTIONS_OF_A_REQUIREMENT = re.compile(r"\s+--[a-z].*$")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_PATH = re.compile(r"[./~]|[^@;]*\.(whl|zip|tar\.gz)\b")
# What lies in the folder of a package, and is not part of it.
_NOT_SOURCE = ("__pycache__", "build", "dist", "node_modules")


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirements as a file has them.

    `file` is what uv reads. `fingerprint` is the SHA-256 in hex of what decides the installation: the file, the files
    that it includes, and the content of local packages. `names` are the packages that it names. `sources` are those
    among them that are built here, from a folder or a repository, and `unnamed` the locations of such without a name.
    `is_locked` says whether versions are fixed.
    """

    file: Path
    fingerprint: str
    names: frozenset[str]
    sources: frozenset[str] = frozenset()
    unnamed: tuple[str, ...] = ()
    is_locked: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    file: Path
    number: int
    text: str
    is_constraint: bool = False

    def error(self, why: str, hint: str) -> FtaskError:
        return FtaskError(f"Invalid requirement {self.text!r} in {self.file}, line {self.number}: {why}.", hint)


def read_requirements(file: Path, environment: Mapping[str, str] = os.environ) -> Requirements:
    """Read a requirements.txt and the files that it includes.

    The environment may name more folders of wheels.

    Raises:
        FtaskError: a line is invalid; the message names the file and the line. Or it is another tool's lock.
    """
    if file.name in _EXPORTS:
        raise FtaskError(
            f"{file.name} is not a file that uv can install from.",
            f"Export it, and name the new file as `requirements` under [tasks]:\n{_EXPORTS[file.name]}",
        )
    names: set[str] = set()
    sources: set[str] = set()
    unnamed: list[str] = []
    folders = re.split(r"[\s,]+", " ".join(environment.get(name, "") for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS")))
    facts = [fact for folder in filter(None, folders) for fact in _wheels(file.parent / folder)]
    for line in _lines(file):
        facts.append(f"{'constraint ' if line.is_constraint else ''}{line.text}")
        if editable := _EDITABLE.match(line.text):
            raise line.error(
                "an editable installation cannot be deployed",
                f"Write {editable['location']} without -e: ftask builds a wheel of it.",
            )
        if links_line := _FIND_LINKS.match(line.text):
            facts += _wheels(line.file.parent / links_line["path"])
        if line.text.startswith("-"):
            continue
        name, location = _parse(line)
        if name is not None and not line.is_constraint:
            names.add(name)
        if location is None:
            continue
        facts += _local_contents(line, location, file.parent)
        if urlsplit(location).path.endswith(".whl"):
            continue
        if name is None:
            unnamed.append(line.text)
        else:
            sources.add(name)
    return Requirements(file, _fingerprint(facts), frozenset(names), frozenset(sources), tuple(unnamed))


def read_pylock(file: Path) -> Requirements:
    """Read a pylock.toml: https://packaging.python.org/en/latest/specifications/pylock-toml/.

    Raises:
        FtaskError: it is not one.
    """
    names: set[str] = set()
    sources: set[str] = set()
    try:
        lock = tomllib.loads(_read(file))
        # Without comments: uv writes there how it was called.
        facts = [json.dumps(lock, sort_keys=True, default=str)]
        for package in lock["packages"]:
            name = canonicalize_name(package["name"])
            names.add(name)
            if package.get("directory", {}).get("editable"):
                raise FtaskError(
                    f"{file} has {name} as an editable package, which cannot be deployed.",
                    "Write it again without, for example with: uv export --no-editable",
                )
            if {"directory", "vcs", "archive"} & package.keys():
                sources.add(name)
            for part in (
                *(package.get(kind, {}) for kind in ("directory", "archive", "sdist")),
                *package.get("wheels", []),
            ):
                facts += _contents(file.parent / part["path"]) if "path" in part else []
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise FtaskError(
            f"{file} is not a pylock.toml: {error}.", "Write it again, for example with: uv export"
        ) from None
    return Requirements(file, _fingerprint(facts), frozenset(names), frozenset(sources), is_locked=True)


def find_lock(file: Path) -> Path | None:
    """Return the uv.lock that counts where `file` is one, or a pyproject.toml in its workspace; None for other files.

    Raises:
        FtaskError: there is none.
    """
    if file.name not in LOCK_FILES:
        return None
    for folder in (file.parent, *file.parent.parents):
        if (folder / "uv.lock").is_file():
            return folder / "uv.lock"
    raise FtaskError(
        f"{file.parent} has a pyproject.toml and no uv.lock.",
        "Run: uv lock\nOr name a requirements.txt under [tasks] in ftask.toml.",
    )


def requirement_files(file: Path) -> Iterator[Path]:
    """Yield a requirements file, the files that it includes, and those of local packages.

    Raises:
        FtaskError: one of them is missing.
    """
    yield file
    if (lock := find_lock(file)) is not None:
        yield lock
        yield lock.with_name("pyproject.toml")
        with suppress(tomllib.TOMLDecodeError):  # the build says so
            for package in tomllib.loads(_read(lock)).get("package", []):
                source = package.get("source", {})
                if path := source.get("directory") or source.get("editable") or source.get("path"):
                    yield from package_files(lock.parent / path)
        return
    if file.suffix == ".toml":
        return
    for line in _lines(file):
        yield line.file
        location = None if line.text.startswith("-") else _parse(line)[1]
        path = None if location is None else _local_path(location, file.parent)
        if path is not None:
            yield from package_files(path)


def package_files(path: Path) -> Iterator[Path]:
    """Yield the files of a package: of a folder those of its source, or the file itself."""
    if not path.is_dir():
        yield path
        return
    for parent, folders, files in os.walk(path):
        folders[:] = sorted(
            name
            for name in folders
            if not (name.startswith(".") or name in _NOT_SOURCE or name.endswith(".egg-info"))
            and not Path(parent, name, "pyvenv.cfg").exists()
        )
        yield from (Path(parent, name) for name in sorted(files) if not name.startswith("."))


def requires(file: Path | None, package: str) -> bool:
    """Return whether a requirements file asks for a package, itself or by what it requires in turn.

    Of a requirements.txt, what is required in turn is known as far as it is installed here.

    Raises:
        FtaskError: the file is missing or invalid.
    """
    if file is None:
        return False
    if (lock := find_lock(file)) is not None:
        packages = {entry["name"]: entry for entry in tomllib.loads(_read(lock)).get("package", [])}
        here = [name for name, entry in packages.items() if _folder(entry, lock) == file.parent]
        return package in _closure(
            here or packages, lambda name: [needed["name"] for needed in packages.get(name, {}).get("dependencies", [])]
        )
    if file.suffix == ".toml":
        return package in read_pylock(file).names
    names: set[str] = set()
    for line in _lines(file):
        if line.text.startswith("-"):
            continue
        name, location = _parse(line)
        path = None if location is None else _local_path(location, file.parent)
        names.update([name] if name else [], _declared(path) if path else [])
    return package in _closure(names, _installed)


def _closure(names: Iterable[str], needs: Callable[[str], Iterable[str]]) -> set[str]:
    """Return the packages, and what they need, directly or not."""
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        if (name := waiting.pop()) not in seen:
            seen.add(name)
            waiting += needs(name)
    return seen


def _folder(entry: Mapping[str, Any], lock: Path) -> Path | None:
    source = entry.get("source", {})
    place = source.get("virtual") or source.get("editable")
    return None if place is None else (lock.parent / place).resolve()


def _installed(name: str) -> list[str]:
    try:
        return _without_extras(distribution(name).requires or ())
    except PackageNotFoundError:
        return []


def _declared(folder: Path) -> list[str]:
    """Return what the package in a folder requires."""
    try:
        project = tomllib.loads(_read(folder / "pyproject.toml")).get("project", {})
    except (OSError, tomllib.TOMLDecodeError):
        return []
    return _without_extras(project.get("dependencies", ()))


def _without_extras(lines: Iterable[str]) -> list[str]:
    needed = map(Requirement, lines)
    return [canonicalize_name(one.name) for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]


def settings_of_uv(folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Return what else decides which versions uv chooses in `folder`: its variables and its files of settings.

    https://docs.astral.sh/uv/concepts/configuration-files/
    """
    facts = []
    for name, value in sorted(environment.items()):
        # Who asks for a package does not change which one it is, and a token changes all the time.
        if name.startswith("UV_") and not name.endswith(("_CACHE_DIR", "_DEPTH", "_PASSWORD", "_TOKEN", "_USERNAME")):
            facts.append(f"{name}={value}")
            facts += [text for word in value.split() for text in _contents(folder / word) if (folder / word).is_file()]
    home = Path(environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "/"), ".config"))
    for configured in (home / "uv/uv.toml", Path("/etc/uv/uv.toml")):
        facts += _contents(configured)
    for at in (folder, *folder.parents):
        facts += _contents(at / "uv.toml")
        if (project := at / "pyproject.toml").is_file():
            try:
                tool = tomllib.loads(_read(project)).get("tool", {})
            except tomllib.TOMLDecodeError as error:
                raise FtaskError(f"Invalid TOML in {project}: {error}.", "Correct the file.") from None
            facts.append(json.dumps(tool.get("uv"), sort_keys=True, default=str))
    return facts


def _fingerprint(facts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _wheels(folder: Path) -> list[str]:
    return [fact for wheel in sorted(folder.glob("*.whl")) for fact in (wheel.name, *_contents(wheel))]


def _contents(path: Path) -> list[str]:
    """Return the hash of each file of a package, with its name; nothing where there is none."""
    return [
        f"{file.relative_to(path)} {hashlib.sha256(file.read_bytes()).hexdigest()}"
        for file in package_files(path)
        if file.is_file()
    ]


def _local_contents(line: _Line, location: str, folder: Path) -> list[str]:
    path = _local_path(location, folder)
    if path is None:
        return []
    if not path.exists():
        raise line.error(f"{path} does not exist", "Correct the path.")
    return _contents(path)


def _lines(file: Path, is_constraint: bool = False, including: tuple[Path, ...] = ()) -> Iterator[_Line]:
    """Yield the lines of a file, with those of the files that it includes in their place."""
    for number, text in _logical_lines(_read(file)):
        line = _Line(file, number, text, is_constraint)
        include = _INCLUDE.match(text)
        if include is None or _URL.match(include["file"]):
            yield line
            continue
        included = file.parent / include["file"]
        if not included.is_file():
            raise line.error(f"{included} does not exist", "Create the file, or remove the line.")
        if included in (file, *including):
            raise line.error("the file includes itself", "Remove the line.")
        is_of_constraints = is_constraint or include["option"] in ("-c", "--constraint")
        yield from _lines(included, is_of_constraints, (file, *including))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FtaskError(f"{file} is not UTF-8: {error}.", "Save it as UTF-8.") from None


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number of the first line, text) without comments; a backslash at its end continues a line."""
    parts: list[str] = []
    start = 1
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        start = start if parts else number
        is_continued = line.endswith("\\") and not line.lstrip().startswith("#")
        parts.append(line.removesuffix("\\") if is_continued else line)
        if is_continued and number < len(lines):
            continue
        logical = _COMMENT.sub("", "".join(parts)).strip()
        parts = []
        if logical:
            yield start, logical


def _parse(line: _Line) -> tuple[str | None, str | None]:
    """Return the name of a line's package, None for a location without one, and its location, None for an index."""
    text = _OPTIONS_OF_A_REQUIREMENT.sub("", line.text)
    if _URL.match(text) or _PATH.match(text):
        location = text.partition(";")[0].strip()
        with suppress(InvalidWheelFilename):
            return parse_wheel_filename(unquote(urlsplit(location).path.rpartition("/")[2]))[0], location
        return None, location
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = " ".join(str(error).partition("\n")[0].split())
        raise line.error(reason, "Write a requirement like httpx>=0.28, one per line.") from None
    return canonicalize_name(requirement.name), requirement.url


def _local_path(location: str, folder: Path) -> Path | None:
    if not _URL.match(location):
        return folder / re.sub(r"\[[\w, .-]+\]$", "", location)  # without extras
    return Path(unquote(urlsplit(location).path)) if urlsplit(location).scheme == "file" else None
