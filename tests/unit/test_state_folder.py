"""The state folder belongs to one user: its modes, its root key and the record of the engine."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from ftask.core.errors import FtaskError
from ftask.home.state_folder import fullness_warning, narrow_contents, own_folder
from ftask.local.record import ROOT_KEY_FILE, RecordFile, RootKey, RunningEngine, root_key


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
    assert mode(tmp_path / ROOT_KEY_FILE) == 0o600
    assert root_key(tmp_path) == first
    (tmp_path / ROOT_KEY_FILE).chmod(0o644)
    second = root_key(tmp_path)
    assert second != first
    assert (mode(tmp_path / ROOT_KEY_FILE), root_key(tmp_path)) == (0o600, second)
    (tmp_path / ROOT_KEY_FILE).write_text("{}")
    assert root_key(tmp_path) not in (first, second)


def test_a_key_does_not_appear_where_an_engine_is_printed() -> None:
    engine = RunningEngine(1, 4566, "token", "1", 0.0, RootKey("FTASKID", "of-nobody"))
    assert "of-nobody" not in repr(engine)
    assert "token'" not in repr(engine)


def test_a_record_that_ftask_did_not_write_leads_to_no_engine(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "engine.json")
    engine = RunningEngine(1, 4566, "t", "1.5.33", 0.5, RootKey("FTASKID", "secret"))
    file.write(engine)
    assert (file.running(), mode(file.path)) == (engine, 0o600)
    for broken in ("", "[]", '{"running": 5}', '{"running": {"pid": 1}}', '{"running": {"root_key": 5}}'):
        file.path.write_text(broken)
        assert file.running() is None


def test_a_full_disk_is_named_with_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fullness_warning(tmp_path) is None
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=4096))
    assert f"The disk of the state folder {tmp_path} is full" in str(fullness_warning(tmp_path))
