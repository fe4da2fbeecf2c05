from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.archive import (
    MAX_UNZIPPED_BYTES,
    Content,
    Entry,
    bytes_entry,
    file_entry,
    require_size,
    write_zip,
)


def content(**files: str) -> Content:
    return Content.of(bytes_entry(name, text.encode()) for name, text in files.items())


def test_the_key_is_of_names_and_contents_in_any_order() -> None:
    assert content(a="1", b="2").key == content(b="2", a="1").key
    assert content(a="1", b="2").key != content(a="2", b="1").key
    assert content(a="1").key != content(c="1").key


def test_the_key_does_not_know_where_a_file_lies_and_how_old_it_is(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("1")
    assert Content.of([file_entry("a", tmp_path / "x")]).key == content(a="1").key


def test_the_key_does_not_depend_on_the_compressor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = content(a="text " * 100)
    key = files.key
    write_zip(files, tmp_path / "1.zip")
    monkeypatch.setattr(zipfile, "_get_compressor", lambda *_: zlib.compressobj(0, zlib.DEFLATED, -15))
    write_zip(files, tmp_path / "2.zip")
    assert (tmp_path / "1.zip").read_bytes() != (tmp_path / "2.zip").read_bytes()
    assert files.key == key


def test_a_zip_is_deflated_and_has_fixed_dates_and_modes(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    write_zip(content(a="text " * 100, b="2"), path)
    first = path.read_bytes()
    write_zip(content(b="2", a="text " * 100), path)
    assert path.read_bytes() == first
    with zipfile.ZipFile(path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"a": b"text " * 100, "b": b"2"}
        for member in archive.infolist():
            assert member.compress_type == zipfile.ZIP_DEFLATED
            assert member.date_time == (1980, 1, 1, 0, 0, 0)
            assert member.external_attr >> 16 == 0o755


def test_files_that_are_compressed_already_are_taken_from_their_zip(tmp_path: Path) -> None:
    write_zip(content(b="2", c="3"), tmp_path / "part.zip")
    whole = content(a="1", b="2", c="3")
    write_zip(whole, tmp_path / "whole.zip", tmp_path / "part.zip")
    with zipfile.ZipFile(tmp_path / "whole.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {"a": b"1", "b": b"2", "c": b"3"}


def test_a_zip_with_more_files_than_the_archive_is_not_used(tmp_path: Path) -> None:
    write_zip(content(b="2", c="3"), tmp_path / "part.zip")
    write_zip(content(b="2"), tmp_path / "whole.zip", tmp_path / "part.zip")
    with zipfile.ZipFile(tmp_path / "whole.zip") as archive:
        assert archive.namelist() == ["b"]


def test_a_name_twice_is_refused() -> None:
    with pytest.raises(FtaskError, match=r"hold a\.py twice"):
        Content.of([bytes_entry("a.py", b"1"), bytes_entry("a.py", b"2")])


def test_code_over_the_limit_is_refused_with_its_ten_largest_packages() -> None:
    megabyte = 1024 * 1024
    parts = [Entry(f"p{number}/x.so", b"", "", number * megabyte) for number in range(1, 13)]
    fits = Content.of([*parts, Entry("rest.bin", b"", "", MAX_UNZIPPED_BYTES - 78 * megabyte)])
    require_size(fits)
    with pytest.raises(FtaskError) as caught:
        require_size(Content.of([*fits.entries, Entry("p12/y.so", b"", "", 1)]))
    lines = caught.value.message.splitlines()
    assert "250.0 MB" in lines[0]
    assert [line.split()[-1] for line in lines[1:]] == ["rest.bin", *(f"p{number}" for number in range(12, 3, -1))]
