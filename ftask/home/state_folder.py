"""The state folder and its files, which no other user of the machine may read or change."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from pathlib import Path

from platformdirs import user_state_path

from ftask.core.errors import FtaskError
from ftask.home.private_files import FILE_MODE, OTHERS, replace_private, user_id

STATE_DIR_VARIABLE = "FTASK_STATE_DIR"
FOLDER_MODE = 0o700
# The engine unpacks each function, and saves its whole state at once.
_MIN_FREE_BYTES = 1024 * 1024
RUNTIME_FOLDER = "runtime"
_PROJECTS_FILE = "projects.json"


def default_root() -> Path:
    """Return where the engine keeps its state: FTASK_STATE_DIR, or the user's state folder."""
    configured = os.environ.get(STATE_DIR_VARIABLE)
    return Path(configured).expanduser().resolve() if configured else user_state_path("ftask", appauthor=False)


def unusable(folder: Path, error: OSError) -> FtaskError:
    """Return the error that says why the state folder cannot be used."""
    advice = "Free some space on its disk" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Make it writable"
    return FtaskError(
        f"The state folder {folder} cannot be used: {error.strerror or error}.",
        f"{advice}, or choose another folder with {STATE_DIR_VARIABLE}.",
    )


def fullness_warning(folder: Path) -> str | None:
    """Return a warning if the disk of the folder has no room for what the engine writes there; None if it has."""
    if shutil.disk_usage(folder).free >= _MIN_FREE_BYTES:
        return None
    return (
        f"The disk of the state folder {folder} is full: the local engine cannot start functions or save its state."
        " Free some space, and run: ftask local down"
    )


def own_folder(folder: Path) -> None:
    """Make the state folder, or take it from everybody but its owner.

    Raises:
        FtaskError: it belongs to another user.
        OSError: it cannot be made or changed.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
    found = folder.stat()
    if found.st_uid != user_id():
        raise FtaskError(
            f"The state folder {folder} belongs to another user (uid {found.st_uid}).",
            f"Choose another with {STATE_DIR_VARIABLE}.",
        )
    _narrow(folder, FOLDER_MODE)


def narrow_contents(folder: Path) -> None:
    """Take what the folder contains from everybody but its owner. Links keep what they lead to."""
    for parent, folders, files in os.walk(folder):
        for name, mode in (*((name, FOLDER_MODE) for name in folders), *((name, FILE_MODE) for name in files)):
            _narrow(Path(parent, name), mode)


def _narrow(path: Path, mode: int) -> None:
    found = path.lstat()
    if not stat.S_ISLNK(found.st_mode) and found.st_uid == user_id() and found.st_mode & OTHERS:
        # A program stays one, for its owner.
        path.chmod(found.st_mode & 0o700 | mode)


def deployed_project(stage: str) -> Path | None:
    """Return the folder of the project that was deployed into a local stage last; None if unknown."""
    folder = _projects().get(stage)
    return Path(folder) if isinstance(folder, str) else None


def remember_project(stage: str, project: Path | None) -> None:
    """Note which project's tasks a local stage has, so that another project does not replace them unasked."""
    known = {**_projects(), stage: None if project is None else str(project)}
    replace_private(default_root() / _PROJECTS_FILE, json.dumps(known))


def _projects() -> dict[str, object]:
    try:
        known = json.loads((default_root() / _PROJECTS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
