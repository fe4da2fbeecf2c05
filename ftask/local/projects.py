"""Which project's tasks each local stage has, so that another project does not replace them unasked."""

from __future__ import annotations

import json
from pathlib import Path

from ftask.home.private_files import replace_private
from ftask.home.state_folder import default_root

_FILE = "projects.json"


def deployed_project(stage: str, root: Path | None = None) -> Path | None:
    """Return the folder of the project that was deployed into the stage last; None if unknown."""
    folder = _read(root or default_root()).get(stage)
    return Path(folder) if isinstance(folder, str) else None


def remember_project(stage: str, project: Path, root: Path | None = None) -> None:
    """Note that the stage has the tasks of this project."""
    root = root or default_root()
    replace_private(root / _FILE, json.dumps({**_read(root), stage: str(project)}))


def _read(root: Path) -> dict[str, object]:
    try:
        known = json.loads((root / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
