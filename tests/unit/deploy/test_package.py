from __future__ import annotations

import io
import os
import zipfile

import pytest

from ftask.deploy.package import build_archive, stack_folder


def test_the_archive_is_the_same_bytes_whenever_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    first = build_archive()
    source = stack_folder() / "handlers" / "worker.py"
    times = source.stat().st_atime_ns, source.stat().st_mtime_ns
    try:
        os.utime(source, (1, 1))
        assert build_archive() == first
    finally:
        os.utime(source, ns=times)


def test_the_archive_holds_the_core_and_the_handlers_and_nothing_compiled() -> None:
    with zipfile.ZipFile(io.BytesIO(build_archive().content)) as archive:
        names = archive.namelist()
    assert {"ftask/__init__.py", "ftask/core/execution.py", "ftask/handlers/api.py", "ftask/handlers/worker.py"} <= set(
        names
    )

    assert all(name.startswith(("ftask/core/", "ftask/handlers/")) or name == "ftask/__init__.py" for name in names)
