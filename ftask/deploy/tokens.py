"""Request tokens, which CloudFormation keeps with each event: they tell whose operation an event belongs to."""

from __future__ import annotations

import getpass
import re
import socket
import uuid

_PREFIX = "ftask"
# CloudFormation takes 128 letters, digits and hyphens.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
_MAX_NAME_CHARACTERS = 60
_TOKEN = re.compile(rf"{_PREFIX}-(.+)-[0-9a-f]{{32}}")


def new_token() -> str:
    """Return a new token that names the user and the machine."""
    return f"{_PREFIX}-{_name()}-{uuid.uuid4().hex}"


def author(token: str) -> str | None:
    """Return who made the request with this token; None if it was not ftask."""
    match = _TOKEN.fullmatch(token)
    return match[1] if match else None


def _name() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        user = "somebody"
    return re.sub(r"[^A-Za-z0-9]+", "-", f"{user} at {socket.gethostname()}").strip("-")[:_MAX_NAME_CHARACTERS]
