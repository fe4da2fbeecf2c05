"""The state folder belongs to one user: its modes, its root key and the record of the engine."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ftask.core.errors import FtaskError
from ftask.home.state_folder import fullness_warning, narrow_contents, own_folder
from ftask.local.record import RecordFile, RunningEngine
from ftask.local.root_key import FILE, RootKey, root_key


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_that_others_could_read_is_taken_from_them_with_all_that_it_has(tmp_path: Path) -> None:
    root = tmp_path / "state"
    (root / "s3" / "bucket").mkdir(parents=True)
    for folder in (root, root / "s3", root / "s3" / "bucket"):
        folder.chmod(0o755)
    program, secret = root / "program", root / "s3" / "bucket" / "object"
    for path, before in ((program, 0o755), (secret, 0o664)):
        path.touch()
        path.chmod(before)
    foreign = tmp_path / "foreign"
    foreign.touch()
    foreign.chmod(0o644)
    (root / "link").symlink_to(foreign)
    own_folder(root)
    narrow_contents(root)
    assert [mode(path) for path in (root, root / "s3" / "bucket", program, secret)] == [0o700, 0o700, 0o700, 0o600]
    assert mode(foreign) == 0o644


def test_the_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(FtaskError, match="belongs to another user") as refused:
        own_folder(tmp_path)
    assert refused.value.hint is not None
    assert "FTASK_STATE_DIR" in refused.value.hint


def test_the_root_key_stays_as_long_as_nobody_else_could_read_it(tmp_path: Path) -> None:
    first = root_key(tmp_path)
    assert mode(tmp_path / FILE) == 0o600
    assert root_key(tmp_path) == first
    (tmp_path / FILE).chmod(0o644)
    second = root_key(tmp_path)
    assert second != first
    assert (mode(tmp_path / FILE), root_key(tmp_path)) == (0o600, second)
    (tmp_path / FILE).write_text("{}")
    assert root_key(tmp_path) not in (first, second)


def test_a_key_does_not_appear_where_an_engine_is_printed() -> None:
    engine = RunningEngine(1, 4566, "token", "1", 0.0, RootKey("FTASKID", "of-nobody"))
    assert "of-nobody" not in repr(engine)
    assert "token'" not in repr(engine)


def test_the_record_of_another_version_is_understood(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "engine.json")
    old: Any = {"pid": 1, "port": 4566, "token": "t", "version": "1.5.33", "started_at": 0.5}
    file.path.write_text(json.dumps({"running": old, "lastPort": 4566}))
    assert file.running() == RunningEngine(**old)
    assert not RunningEngine(**old).is_guarded
    new = RunningEngine(**old, root_key=RootKey("FTASKID", "secret"))
    file.write(new)
    assert (file.running(), mode(file.path)) == (new, 0o600)
    later = json.loads(file.path.read_text())
    later["running"]["unheard"] = "of"
    file.path.write_text(json.dumps(later))
    assert file.running() == new
    for broken in ("", "[]", '{"running": 5}', '{"running": {"pid": 1}}', '{"running": {"root_key": 5}}'):
        file.path.write_text(broken)
        assert file.running() is None


def test_a_full_disk_is_named_with_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fullness_warning(tmp_path) is None
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=4096))
    assert f"The disk of the state folder {tmp_path} is full" in str(fullness_warning(tmp_path))
