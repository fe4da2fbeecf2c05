"""The files that a deployment puts next to the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftask.core.deployed import ENVIRONMENT_FILE, MANIFEST_FILE, PACKAGE, read_environment, read_manifest, read_secrets
from ftask.core.errors import SettingsError
from ftask.core.manifest import Manifest, ManifestError, TaskType, encode_manifest


def test_a_stack_without_own_tasks_has_neither(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    assert read_environment(tmp_path) == {}
    assert read_secrets(tmp_path) == {}
    # An installation, unlike an archive, never has them: it is what every stack is deployed from.
    assert not {MANIFEST_FILE, ENVIRONMENT_FILE} & {path.name for path in PACKAGE.iterdir()}


def test_the_manifest_is_read(tmp_path: Path) -> None:
    manifest = Manifest((TaskType("send"),), "tasks")
    (tmp_path / MANIFEST_FILE).write_text(encode_manifest(manifest))
    assert read_manifest(tmp_path) == manifest


def test_a_manifest_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / MANIFEST_FILE).write_text("{")
    with pytest.raises(ManifestError):
        read_manifest(tmp_path)


def test_the_environment_is_read(tmp_path: Path) -> None:
    (tmp_path / ENVIRONMENT_FILE).write_text('{"LOG_LEVEL": "INFO", "EMPTY": ""}')
    assert read_environment(tmp_path) == {"LOG_LEVEL": "INFO", "EMPTY": ""}


@pytest.mark.parametrize("text", ["", "[]", '{"A": 1}', "null"])
def test_an_environment_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / ENVIRONMENT_FILE).write_text(text)
    with pytest.raises(SettingsError, match=r"environment\.json is not a JSON object of texts"):
        read_environment(tmp_path)
