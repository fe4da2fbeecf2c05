"""Another user of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

NOBODY = 65534


def give_to_another_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a file, or a link, one of another user's; without root's rights, this process plays the other user."""
    if os.geteuid() == 0:
        os.lchown(path, NOBODY, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: path.lstat().st_uid + 1)
