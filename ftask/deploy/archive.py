"""Code archives by content: what an archive holds, its bytecode, its key, its size, and the zip.

The key is the hash of the sorted list of names and contents, not of the zip's bytes: compressors differ from one
machine to the next, and the same code has the same key on each of them.

Bytecode saves a cold start the compilation. It is of the kind `unchecked-hash`: Python imports it without a look at the
source. Only an interpreter of the version that will run it makes it; where this machine has none, there is none.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path, PurePosixPath

from ftask.core.errors import FtaskError

# The limit of AWS Lambda: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_UNZIPPED_BYTES = 250 * 1024 * 1024

BYTECODE_FOLDER = "__pycache__"
_LARGEST_SHOWN = 10
# The earliest date that a zip can hold, and one mode for all: a program that a dependency brings must stay executable,
# and not every system keeps that bit.
_DATE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o755 << 16
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an archive. `digest` stands for its content in the key; `size` is in bytes."""

    name: str
    source: Path | bytes
    digest: str
    size: int

    @property
    def is_bytecode(self) -> bool:
        return f"/{BYTECODE_FOLDER}/" in f"/{self.name}"

    def read(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


@dataclass(frozen=True, slots=True)
class Content:
    """What an archive holds, sorted by name."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Content:
        """Return the content with these entries.

        Raises:
            FtaskError: two of them have the same name.
        """
        ordered = tuple(sorted(entries, key=lambda entry: entry.name))
        for entry, following in pairwise(ordered):
            if entry.name == following.name:
                raise FtaskError(
                    f"The archive would hold {entry.name} twice.", "Rename the file, or remove it from `include`."
                )
        return cls(ordered)

    @property
    def key(self) -> str:
        """A SHA-256 in hex; the same for the same content, on every machine."""
        digest = hashlib.sha256()
        for entry in self.entries:
            # Two machines may compile a source to different bytes that mean the same; the name has Python's version.
            content = BYTECODE_FOLDER if entry.is_bytecode else entry.digest
            digest.update(f"{content} {entry.name}\n".encode())
        return digest.hexdigest()

    @property
    def size(self) -> int:
        """The size unzipped, in bytes."""
        return sum(entry.size for entry in self.entries)

    def write_to(self, folder: Path) -> None:
        """Write the files into `folder`."""
        for entry in self.entries:
            path = folder / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(entry.read())


def file_entry(name: str, path: Path) -> Entry:
    """Return the entry for a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Entry(name, path, digest, file.tell())


def bytes_entry(name: str, content: bytes) -> Entry:
    """Return the entry for bytes."""
    return Entry(name, content, hashlib.sha256(content).hexdigest(), len(content))


def write_zip(content: Content, destination: Path, compressed: Path | None = None) -> None:
    """Replace the zip at `destination`.

    `compressed` is a zip that holds some of the same files; they are taken from there, compressed as they are.
    """
    names = {entry.name for entry in content.entries}
    done: set[str] = set()
    if compressed is not None:
        with zipfile.ZipFile(compressed) as archive:
            done = set(archive.namelist())
    if compressed is not None and done <= names:
        shutil.copyfile(compressed, destination)
    else:
        done = set()
        destination.unlink(missing_ok=True)
    with zipfile.ZipFile(destination, "a", zipfile.ZIP_DEFLATED) as archive:
        for entry in content.entries:
            if entry.name in done:
                continue
            member = zipfile.ZipInfo(entry.name, _DATE)
            member.external_attr = _MODE
            member.create_system = _UNIX
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, entry.read())


def require_size(content: Content) -> None:
    """Refuse what AWS Lambda would refuse after the upload.

    Raises:
        FtaskError: the content is too large; the message lists its largest packages.
    """
    if content.size <= MAX_UNZIPPED_BYTES:
        return
    lines = [f"  {_megabytes(size):>9}  {name}" for name, size in largest_packages(content.entries)]
    raise FtaskError(
        f"The worker's code is {_megabytes(content.size)} unzipped; AWS Lambda takes at most "
        f"{_megabytes(MAX_UNZIPPED_BYTES)}. The largest packages:\n" + "\n".join(lines),
        "Remove what the tasks do not need from the requirements, or from `include` under [tasks].",
    )


def largest_packages(entries: Sequence[Entry]) -> list[tuple[str, int]]:
    """Return the ten largest folders or files of the top level, with their sizes in bytes."""
    sizes: Counter[str] = Counter()
    for entry in entries:
        sizes[entry.name.partition("/")[0]] += entry.size
    return sizes.most_common(_LARGEST_SHOWN)


def _megabytes(size: int) -> str:
    return f"{size / (1024 * 1024):,.1f} MB"


# Where AWS Lambda unpacks the code: what tracebacks show.
_UNPACKED = "/var/task"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython on this machine; `version` is like "3.13"."""

    path: str
    version: str

    def bytecode_name(self, source: str) -> str:
        """Return the name of a source's bytecode, like pkg/__pycache__/x.cpython-313.pyc."""
        path = PurePosixPath(source)
        return str(path.parent / BYTECODE_FOLDER / f"{path.stem}.cpython-{self.version.replace('.', '')}.pyc")


def find_interpreter(version: str) -> Interpreter | None:
    """Return a CPython of this version: the running one, or pythonX.Y on the PATH."""
    if f"{sys.version_info.major}.{sys.version_info.minor}" == version and sys.implementation.name == "cpython":
        return Interpreter(sys.executable, version)
    path = shutil.which(f"python{version}")
    # A launcher of that name may stand for a version that is not installed.
    return Interpreter(path, version) if path and _version_of(path) == f"cpython {version}" else None


def compile_folder(folder: Path, interpreter: Interpreter, *, processes: int = 1) -> None:
    """Write the bytecode of the Python files in `folder` where the import looks for it; leave out what fails.

    `processes` is how many work at it; 0 means as many as there are processors, which pays for hundreds of files.
    """
    subprocess.run(  # noqa: S603 - the command is ours, and no shell reads it
        [
            *(interpreter.path, "-I", "-m", "compileall", "-qq", "-f", "-j", str(processes)),
            *("--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", _UNPACKED, str(folder)),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,  # a package may bring files for other versions of Python, which nothing imports
    )


# `ftask dev` builds again and again, and mostly the code of the worker alone has changed.
@lru_cache(maxsize=2)
def with_bytecode(content: Content, interpreter: Interpreter) -> Content:
    """Return the content with the bytecode of its Python files."""
    sources = [entry for entry in content.entries if entry.name.endswith(".py")]
    with tempfile.TemporaryDirectory(prefix="ftask-bytecode-") as temporary:
        folder = Path(temporary)
        Content.of(sources).write_to(folder)
        compile_folder(folder, interpreter)
        made = [
            bytes_entry(name, (folder / name).read_bytes())
            for name in map(interpreter.bytecode_name, (entry.name for entry in sources))
            if (folder / name).is_file()
        ]
    return Content.of((*content.entries, *made))


def without_bytecode(content: Content) -> Content:
    """Return the content without the bytecode of its Python files."""
    return Content(tuple(entry for entry in content.entries if not entry.is_bytecode))


def _version_of(path: str) -> str | None:
    code = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([path, "-I", "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    return answer.stdout.strip() if answer.returncode == 0 else None
