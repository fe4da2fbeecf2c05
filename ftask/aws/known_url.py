"""The URL of a stage's API as an earlier command found it: a command that only calls the API need not ask for it again.

An old URL leads to no wrong answer. An API is deleted with its stack, or when a deployment replaces it, and its
functions use the table and the queues of their own stack only; so a call to an API that is not the stage's fails, and
then the stack is asked (see :class:`ftask.aws.api.ApiClient`). Names of tables and queues are not remembered: a table
that a deployment replaced is kept, and would be read and written without an error.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress

from ftask.aws.target import Target
from ftask.cache_folder import cache_folder
from ftask.core.errors import FtaskError
from ftask.core.text import json_object
from ftask.private_files import replace_private, user_id

FOLDER = "stages"
MAX_AGE_SECONDS = 24 * 3600.0


class KnownUrl:
    """The remembered URL of the API of one stage, in one region of one account, or at one endpoint.

    An access key always belongs to the same account, so it stands for the account, which only a request could find out.
    """

    def __init__(self, target: Target, clock: Callable[[], float] = time.time) -> None:
        key = [target.credentials().access_key, target.region_name, target.endpoint_url, target.stage_name]
        name = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:32]
        self._path = cache_folder() / FOLDER / f"{name}.json"
        self._clock = clock

    def read(self) -> str | None:
        """Return the URL; None if none is remembered, for a day at most, by this user."""
        try:
            found = self._path.lstat()
            if found.st_uid != user_id() or abs(self._clock() - found.st_mtime) > MAX_AGE_SECONDS:
                return None
            fields = json_object(self._path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return None
        url = None if fields is None else fields.get("apiUrl")
        return url if isinstance(url, str) else None

    def remember(self, url: str) -> str:
        """Keep the URL for later commands, if the cache folder can be used; return it."""
        with suppress(OSError, FtaskError):
            replace_private(self._path, json.dumps({"apiUrl": url}))
        return url

    def forget(self) -> None:
        """Remember no URL."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
