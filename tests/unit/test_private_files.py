"""What a command writes for its user is for nobody else, and is not written where somebody else says."""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from ftask.actions.drain import DrainFile
from ftask.cli.bench.report import require_writable
from ftask.core.errors import FtaskError
from ftask.home.private_files import open_private, replace_private, write_private
from ftask.submission.job import Job, Rejected, rejected_path
from tests.support.ownership import give_to_another_user


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def drained(path: Path) -> Path:
    DrainFile(path).close()
    return path


def recorded(path: Path) -> Path:
    Job().resume(path)
    return path


def rejected(path: Path) -> Path:
    job = Job()
    job.reject(Rejected(1, "{", "not JSON"))
    job.write_rejected(rejected_path(path))
    return rejected_path(path)


def saved(path: Path) -> Path:
    require_writable(str(path))
    return path


@pytest.mark.parametrize("write", [drained, recorded, rejected, saved])
def test_every_file_with_data_of_tasks_is_private(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    before = os.umask(0)
    try:
        assert mode(write(tmp_path / "file")) == 0o600
    finally:
        os.umask(before)


@pytest.mark.parametrize("write", [drained, recorded, rejected, saved])
def test_no_file_is_written_through_a_link_of_another_user(
    tmp_path: Path, write: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    for name in ("file", "file.rejected"):
        (tmp_path / name).symlink_to(target)
        give_to_another_user(tmp_path / name, monkeypatch)
    with pytest.raises(FtaskError, match="of another user"):
        write(tmp_path / "file")
    assert target.read_text() == "mine"


def test_the_file_of_another_user_is_not_written_and_not_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("theirs")
    link = tmp_path / "link"
    link.symlink_to(path)
    give_to_another_user(path, monkeypatch)
    for mode in ("w", "a"):
        for way in (path, link):
            with pytest.raises(FtaskError, match="of another user"):
                open_private(way, mode)
    assert path.read_text() == "theirs"


def test_a_pipe_of_another_user_is_refused_before_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "file")
    reader = os.open(tmp_path / "file", os.O_RDONLY | os.O_NONBLOCK)  # without it, a writer would wait
    give_to_another_user(tmp_path / "file", monkeypatch)
    with pytest.raises(FtaskError, match="of another user"):
        open_private(tmp_path / "file", "w")
    waiting = select.poll()
    waiting.register(reader)
    assert waiting.poll(0) == []  # no writer has come and gone
    os.close(reader)


def test_a_file_of_the_users_own_is_taken_from_the_others_also_through_the_users_own_link(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("a long text of an earlier run")
    file.chmod(0o644)
    link.symlink_to(file)
    write_private(link, "é")
    assert (mode(file), file.read_bytes(), link.is_symlink()) == (0o600, "é".encode(), True)


def test_devices_and_pipes_of_the_process_are_written_as_they_are(tmp_path: Path) -> None:
    write_private(Path(os.devnull), "text")
    reading, writing = os.pipe()
    try:
        write_private(Path(f"/dev/fd/{writing}"), "text")
        assert os.read(reading, 9) == b"text"
    finally:
        os.close(reading)
        os.close(writing)


def test_a_file_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(FtaskError, match=r"Cannot write .*file: No such file or directory\."):
        write_private(tmp_path / "none" / "file", "")


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "made" / "file"
    replace_private(path, "old")
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UnicodeEncodeError):
        replace_private(path, "new \ud800")
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]
    assert path.read_text() == "old"
