"""Files that a command writes for its user: nobody else can read them, and nobody else says where they are.

They have payloads and errors of tasks, so they are made with mode 0600. In a folder where others may write, like /tmp,
another user can have put a link, a file or a pipe of that name; none of them is used. A link of the user's own is
followed, and so is one of root's, like /dev/stdout.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ftask.core.errors import FtaskError

FILE_MODE = 0o600
OTHERS = 0o077
_ROOT = 0
_ADVICE = "Delete it, or choose a file in a folder of your own."


def user_id() -> int:
    """Return the id of the user whose rights this process has."""
    if sys.platform == "win32":
        return _ROOT  # whom every file belongs to there
    return os.geteuid()


def open_private(path: Path, mode: str) -> IO[Any]:
    """Open a file of the user's, made if it does not exist; `mode` is one of Python's that writes.

    An existing file is taken from everybody but the user.

    Raises:
        FtaskError: the file, or the link in its place, belongs to another user.
        OSError: it cannot be opened.
    """
    return open(path, mode, opener=_open, encoding=None if "b" in mode else "utf-8")


def write_private(path: Path, text: str) -> None:
    """Replace the content of a file of the user's.

    Raises:
        FtaskError: it cannot be written, or belongs to another user.
    """
    try:
        with open_private(path, "w") as file:
            file.write(text)
    except OSError as error:
        raise FtaskError(f"Cannot write {path}: {error.strerror}.", "Choose another file.") from error


def replace_private(path: Path, text: str) -> None:
    """Replace a file of the user's as a whole, in a folder that is made for it: a reader never finds half of it.

    Raises:
        FtaskError: the file that is written first belongs to another user.
        OSError: the folder or the file cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Two commands at once write two drafts.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with open_private(draft, "w") as file:
            file.write(text)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def _open(path: str, flags: int) -> int:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        is_link = False
    else:
        is_link = stat.S_ISLNK(found.st_mode)
        _require_own(path, found)
    follow = 0 if is_link else getattr(os, "O_NOFOLLOW", 0)
    # Emptied only when it is known to be the user's.
    descriptor = os.open(path, flags & ~os.O_TRUNC | follow, FILE_MODE)
    try:
        opened = os.fstat(descriptor)
        _require_own(path, opened)
        if stat.S_ISREG(opened.st_mode):
            if opened.st_mode & OTHERS and sys.platform != "win32":
                os.fchmod(descriptor, FILE_MODE)
            if flags & os.O_TRUNC:
                os.ftruncate(descriptor, 0)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _require_own(path: str, found: os.stat_result) -> None:
    """Refuse what another user made; devices are root's, and so are the links to a process's own streams."""
    owners = {user_id(), _ROOT} if stat.S_ISLNK(found.st_mode) else {user_id()}
    if not stat.S_ISCHR(found.st_mode) and found.st_uid not in owners:
        what = "a link of" if stat.S_ISLNK(found.st_mode) else "a file of"
        raise FtaskError(f"{path} is {what} another user (uid {found.st_uid}); ftask does not write there.", _ADVICE)
