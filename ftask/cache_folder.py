"""Where ftask keeps what it can make again: dependencies that it installed, ids that it has shown, URLs of stages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_cache_path

CACHE_DIR_VARIABLE = "FTASK_CACHE_DIR"


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return FTASK_CACHE_DIR, or ftask's part of the user's cache folder."""
    override = environment.get(CACHE_DIR_VARIABLE)
    if override:
        return Path(override).absolute()
    return user_cache_path("ftask", appauthor=False)
