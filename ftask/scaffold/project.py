"""A new project: an example of tasks with all that belongs to it, written into a folder."""

from __future__ import annotations

import json
import os
import re
from importlib.metadata import distribution
from pathlib import Path

from ftask.core.errors import FtaskError
from ftask.core.text import plural
from ftask.distribution import NAME

# Each file of a project, and the file with its text in `files`. The suffix keeps linters and pytest away from them.
FILES = {
    "tasks.py": "tasks.py.template",
    "ftask.toml": "ftask.toml.template",
    "policy.json": "policy.json.template",
    "requirements.txt": "requirements.txt.template",
    ".gitignore": "gitignore.template",
    "pytest.ini": "pytest.ini.template",
    "tests/test_tasks.py": "test_tasks.py.template",
    ".github/workflows/ftask.yml": "workflow.yml.template",
}
# With one of these, the folder has a project already.
_OF_A_PROJECT = ("tasks.py", "ftask.toml")
# Where pytest may be set up, and how that begins; a pytest.ini would take its place.
_PYTEST_ELSEWHERE = ("pyproject.toml", "setup.cfg", "tox.ini")
_PYTEST_TABLE = re.compile(r"^\[(tool[.:])?pytest", re.MULTILINE)
_TEXTS = Path(__file__).parent / "files"


def write_project(folder: Path) -> tuple[list[str], list[str]]:
    """Write the files of a project into `folder`, which is created if it does not exist.

    Return the names of those that were written, and of those that a repository has already and keeps.

    Raises:
        FtaskError: the folder has a project already, and nothing was written; or the folder cannot be written.
    """
    existing = [name for name in FILES if os.path.lexists(folder / name)]
    if projects := [name for name in existing if name in _OF_A_PROJECT]:
        raise FtaskError(
            f"{folder} already has {', '.join(projects)}. Nothing was written.",
            f"Move {plural(len(projects), 'file')} away, or choose another folder: ftask init DIR",
        )
    if "pytest.ini" not in existing and _sets_up_pytest(folder):
        existing.append("pytest.ini")
    written = [name for name in FILES if name not in existing]
    source = package_source()
    for name in written:
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((_TEXTS / FILES[name]).read_bytes().replace(b"{FTASK}", source.encode()))
        except OSError as error:
            raise FtaskError(f"Cannot write {path}: {error.strerror}.") from error
    return written, existing


def _sets_up_pytest(folder: Path) -> bool:
    files = [folder / name for name in _PYTEST_ELSEWHERE]
    return any(_PYTEST_TABLE.search(file.read_text(errors="replace")) for file in files if file.is_file())


def package_source(record: str | None = None) -> str:
    """Return where pip gets this ftask from on another machine: the commit of its repository, or PyPI's name.

    `record` is the note that an installer leaves about a URL (default: the one about this installation).
    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    url = json.loads(record or distribution(NAME).read_text("direct_url.json") or "{}")
    if "vcs_info" not in url:
        return NAME  # from an index, or from a folder of this machine
    return f"{url['vcs_info']['vcs']}+{url['url']}@{url['vcs_info']['commit_id']}"
