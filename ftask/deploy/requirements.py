"""What a project requires: its requirements.txt, read before anything is installed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from ftask.core.errors import FtaskError

_COMMENT = re.compile(r"(^|\s+)#.*$")
_INCLUDE = re.compile(r"(?P<option>-r|-c|--requirement|--constraint)(?:\s*=\s*|\s*)(?P<file>.+)")
_EDITABLE = re.compile(r"(-e|--editable)\b")
_FIND_LINKS = re.compile(r"(?:-f|--find-links)(?:\s*=\s*|\s*)(?P<path>.+)")
_OPTIONS_OF_A_REQUIREMENT = re.compile(r"\s+--[a-z].*$")
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_PATH = re.compile(r"[./~]|[^@;]*\.(whl|zip|tar\.gz)\b")


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirements as a file has them.

    `file` is what an installer reads, `folder` what relative paths in it are relative to. `fingerprint` is the SHA-256
    in hex of what decides the installation: the file, the files that it includes, and the local wheels that it names.
    `roots` are the requirements without what they require in turn; None if the name of one is not known.
    """

    file: Path
    folder: Path
    fingerprint: str
    roots: tuple[Requirement, ...] | None


@dataclass(frozen=True, slots=True)
class _Line:
    file: Path
    number: int
    text: str
    is_constraint: bool = False

    def error(self, why: str, hint: str) -> FtaskError:
        return FtaskError(f"Invalid requirement {self.text!r} in {self.file}, line {self.number}: {why}.", hint)


def read_requirements(file: Path, folder: Path | None = None) -> Requirements:
    """Read a requirements.txt and the files that it includes.

    Args:
        file: the requirements.
        folder: what relative paths of requirements are relative to (default: the folder of `file`).

    Raises:
        FtaskError: a line is invalid; the message names the file and the line.
    """
    folder = folder or file.parent
    facts: list[str] = []
    roots: list[Requirement | None] = []
    for line in _lines(file):
        facts.append(f"{'constraint ' if line.is_constraint else ''}{line.text}")
        if _EDITABLE.match(line.text):
            raise line.error(
                "an editable installation cannot be deployed", "Build a wheel of the package and name the wheel."
            )
        if links := _FIND_LINKS.match(line.text):
            facts.extend(_names_and_sizes(line.file.parent / links["path"]))
        if line.text.startswith("-"):
            continue
        root, location = _parse(line)
        if not line.is_constraint:
            roots.append(root)
        path = None if location is None else _local_path(location, folder)
        if path is not None and not path.exists():
            raise line.error(f"{path} does not exist", "Correct the path.")
        if path is not None and path.is_file():
            facts.append(hashlib.sha256(path.read_bytes()).hexdigest())
    fingerprint = hashlib.sha256("\n".join(facts).encode()).hexdigest()
    named = tuple(root for root in roots if root is not None)
    return Requirements(file, folder, fingerprint, named if len(named) == len(roots) else None)


def included_files(file: Path) -> frozenset[Path]:
    """Return a requirements.txt and the files that it includes.

    Raises:
        FtaskError: one of them is missing.
    """
    return frozenset({file, *(line.file for line in _lines(file))})


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


def _parse(line: _Line) -> tuple[Requirement | None, str | None]:
    """Return a line's requirement, None if it is a location without a name, and its location, None for an index."""
    text = _OPTIONS_OF_A_REQUIREMENT.sub("", line.text)
    if _URL.match(text) or _PATH.match(text):
        location = text.partition(";")[0].strip()
        try:
            name = parse_wheel_filename(unquote(urlsplit(location).path.rpartition("/")[2]))[0]
        except InvalidWheelFilename:
            return None, location
        return Requirement(text.replace(location, name, 1)), location
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = " ".join(str(error).partition("\n")[0].split())
        raise line.error(reason, "Write a requirement like httpx>=0.28, one per line.") from None
    return requirement, requirement.url


def _local_path(location: str, folder: Path) -> Path | None:
    if not _URL.match(location):
        return folder / location
    return Path(unquote(urlsplit(location).path)) if urlsplit(location).scheme == "file" else None


def _names_and_sizes(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return [f"{file.name} {file.stat().st_size}" for file in sorted(folder.iterdir()) if file.is_file()]
