"""What a deployment puts next to the package in a function's archive.

A stack without tasks of the user's own has none of these files.
"""

from __future__ import annotations

import json
from pathlib import Path

from ftask.core.errors import SettingsError
from ftask.core.manifest import Manifest, parse_manifest

PACKAGE = Path(__file__).parents[1]
# The manifest: in the archives of both functions.
MANIFEST_FILE = "manifest.json"
# The environment variables of the user's tasks, names to texts: in the worker's archive.
ENVIRONMENT_FILE = "environment.json"
# The ARNs of their secrets, by the environment variable that gets the value: in the worker's archive.
SECRETS_FILE = "secrets.json"


def read_manifest(folder: Path = PACKAGE) -> Manifest | None:
    """Return the deployed manifest; None where the deployment wrote none.

    Raises:
        ManifestError: the file is not a manifest that this version of ftask can read.
    """
    text = _read(folder / MANIFEST_FILE)
    if text is None:
        return None
    return parse_manifest(text)


def read_module(folder: Path = PACKAGE) -> str | None:
    """Return the name of the user's module; None where the deployment has no tasks of the user's own.

    Raises:
        ManifestError: the manifest cannot be read.
    """
    manifest = read_manifest(folder)
    return None if manifest is None else manifest.module


def read_environment(folder: Path = PACKAGE) -> dict[str, str]:
    """Return the environment variables that the user's tasks were deployed with.

    Raises:
        SettingsError: the file is not a JSON object of texts.
    """
    return _read_texts(folder / ENVIRONMENT_FILE)


def read_secrets(folder: Path = PACKAGE) -> dict[str, str]:
    """Return the ARNs of the secrets of the user's tasks, by environment variable.

    Raises:
        SettingsError: the file is not a JSON object of texts.
    """
    return _read_texts(folder / SECRETS_FILE)


def _read_texts(path: Path) -> dict[str, str]:
    text = _read(path)
    if text is None:
        return {}
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise SettingsError(f"{path.name} is not a JSON object of texts.", "Deploy again to rebuild it.")
    return values


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
