"""Bytecode in the archive, so that a cold start does not compile.

It is of the kind `unchecked-hash`: Python imports it without a look at the source. It is only made by an interpreter
of the version that will run it; where this machine has none, the archive does without.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from ftask.deploy.archive import BYTECODE_FOLDER, Content, bytes_entry

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
