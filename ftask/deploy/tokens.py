"""Tokens that CloudFormation keeps with a request: they tell its events from others', and whose they are."""

from __future__ import annotations

import getpass
import re
import socket
import uuid

_PREFIX = "ftask"
# CloudFormation takes 128 letters, digits and hyphens.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
_MOST_OF_NAME = 60
_TOKEN = re.compile(rf"{_PREFIX}-(.+)-[0-9a-f]{{32}}")


def new_token() -> str:
    """A token that nobody has used before, with the user and the machine that it comes from."""
    return f"{_PREFIX}-{_name()}-{uuid.uuid4().hex}"


def author(token: str) -> str | None:
    """Who asked with this token; None if it was not ftask."""
    found = _TOKEN.fullmatch(token)
    return found[1] if found else None


def _name() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as containers have them
        user = "somebody"
    return re.sub(r"[^A-Za-z0-9]+", "-", f"{user} at {socket.gethostname()}").strip("-")[:_MOST_OF_NAME]
