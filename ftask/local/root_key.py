"""The engine's root key: random, one for each state folder, kept in a file that only its owner can read."""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ftask.home.private_files import OTHERS, replace_private, user_id

FILE = "credentials.json"
_ID_CHARACTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class RootKey:
    """An access key that may do everything in the engine."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


# The key of an engine without a guard.
NO_KEY = RootKey("", "")


def root_key(folder: Path) -> RootKey:
    """Return the root key of the state folder; make it if none exists, or others may know it.

    Raises:
        OSError: the file cannot be read or written.
    """
    path = folder / FILE
    known = _read(path)
    if known is not None:
        return known
    # As long as keys of AWS, and unlike them at the first look.
    key = RootKey("FTASK" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(15)), secrets.token_urlsafe(30))
    replace_private(path, json.dumps(asdict(key)))
    return key


def _read(path: Path) -> RootKey | None:
    try:
        found = path.lstat()
        if found.st_uid != user_id() or found.st_mode & OTHERS:
            return None
        return RootKey(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
