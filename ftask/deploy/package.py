"""The code archive: the same sources give the same bytes, on every machine."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ftask
from ftask.core.errors import FtaskError

# Any date will do that never changes; this is the earliest that a zip can hold.
_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16


@dataclass(frozen=True, slots=True)
class Archive:
    """The zip that the functions run, and its SHA-256 in hexadecimal."""

    content: bytes
    sha256: str


def stack_folder() -> Path:
    """Return the folder of template and handlers: in the installed wheel, or next to the package in a checkout."""
    package = Path(ftask.__file__).parent
    for candidate in (package / "_stack", package.parent / "stack"):
        if (candidate / "template.yaml").is_file():
            return candidate
    raise FtaskError("This installation of ftask lacks the stack to deploy.", "Install ftask again.")


def read_template() -> str:
    return (stack_folder() / "template.yaml").read_text(encoding="utf-8")


def build_archive() -> Archive:
    """Return the archive of the core and the handlers.

    Stored, not compressed: compressors differ from one machine to the next, and Lambda unpacks it anyway.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, source in sorted(_members()):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = _MODE
            entry.create_system = 3  # Unix, wherever it is built
            archive.writestr(entry, source.read_bytes())
    content = buffer.getvalue()
    return Archive(content, hashlib.sha256(content).hexdigest())


def _members() -> Iterator[tuple[str, Path]]:
    package = Path(ftask.__file__).parent
    yield "ftask/__init__.py", package / "__init__.py"
    for source in (package / "core").glob("*.py"):
        yield f"ftask/core/{source.name}", source
    handlers = stack_folder() / "handlers"
    for source in (*handlers.glob("*.py"), *handlers.glob("*.json")):
        yield f"ftask/handlers/{source.name}", source
