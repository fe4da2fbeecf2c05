from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.archive import (
    MAX_UNZIPPED_BYTES,
    Content,
    Entry,
    Interpreter,
    bytes_entry,
    find_interpreter,
    write_zip,
)
from ftask.deploy.build import MANIFEST, api_content, fit, worker_content
from ftask.deploy.template import stack_folder

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def project(tmp_path: Path, text: str = "X = 1\n", name: str = "tasks.py") -> dict[str, Path]:
    path = tmp_path / Path(name).name
    path.write_text(text)
    return {name: path}


def names(content: Content) -> set[str]:
    return {entry.name for entry in content.entries}


def running() -> Interpreter:
    interpreter = find_interpreter(VERSION)
    assert interpreter is not None
    return interpreter


def test_the_api_has_the_protocol_and_the_manifest_and_nothing_of_the_user() -> None:
    content = api_content(b"{}")
    assert {"ftask/__init__.py", "ftask/core/submission.py", "ftask/handlers/api.py", MANIFEST} <= names(content)
    assert "ftask/handlers/worker.py" not in names(content)
    assert all(
        name.startswith(("ftask/core/", "ftask/handlers/")) for name in names(content) - {"ftask/__init__.py", MANIFEST}
    )


@pytest.mark.parametrize("function", ["api", "worker"])
def test_every_module_of_an_archive_can_be_imported_from_it_alone(tmp_path: Path, function: str) -> None:
    contents = {
        "api": api_content(),
        "worker": worker_content({}),
    }
    content = contents[function]
    content.write_to(tmp_path / "code")
    modules = [
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name in names(content)
        if name.endswith(".py")
    ]
    code = f"""
import importlib, sys
sys.path.insert(0, {str(tmp_path / "code")!r})
for name in {modules!r}:
    assert importlib.import_module(name).__file__.startswith(sys.path[0]), name
"""
    subprocess.run([sys.executable, "-I", "-c", code], check=True, timeout=60)


def test_the_api_has_the_document_of_the_repository(tmp_path: Path) -> None:
    (document,) = (entry.read() for entry in api_content().entries if entry.name.endswith("openapi.json"))
    assert json.loads(document) == json.loads((stack_folder() / "handlers" / "openapi.json").read_bytes())


def test_an_archive_is_small(tmp_path: Path) -> None:
    for content in (api_content(), worker_content({})):
        write_zip(content, tmp_path / "code.zip")
        assert (tmp_path / "code.zip").stat().st_size < 200 * 1024


def test_a_change_of_task_code_changes_the_worker_alone(tmp_path: Path) -> None:
    manifest = b'{"types": []}'
    api, worker = api_content(manifest), worker_content(project(tmp_path), (), manifest)
    changed = worker_content(project(tmp_path, "X = 2\n"), (), manifest)
    assert changed.key != worker.key
    assert api_content(manifest).key == api.key
    assert api_content(b'{"types": [1]}').key != api.key


def test_the_worker_has_the_users_code_its_dependencies_and_the_manifest(tmp_path: Path) -> None:
    content = worker_content(project(tmp_path), [bytes_entry("six.py", b"")], b"{}")
    assert {"tasks.py", "six.py", MANIFEST, "ftask/core/execution.py", "ftask/handlers/worker.py"} <= names(content)
    assert "ftask/handlers/api.py" not in names(content)


@pytest.mark.parametrize("installed", ["tasks/__init__.py", "tasks.py", "tasks.cpython-313-aarch64-linux-gnu.so"])
def test_a_dependency_of_the_modules_name_is_refused(tmp_path: Path, installed: str) -> None:
    with pytest.raises(FtaskError, match="both have 'tasks'"):
        worker_content(project(tmp_path), [bytes_entry(installed, b"")])


def test_ftask_among_the_requirements_or_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FtaskError, match="requirements install ftask-aws"):
        worker_content(project(tmp_path), [bytes_entry("ftask/cli/main.py", b"")])
    with pytest.raises(FtaskError, match="folder ftask/"):
        worker_content(project(tmp_path, name="ftask/extra.py"))


def test_bytecode_is_what_the_import_takes_and_the_source_is_not_looked_at(tmp_path: Path) -> None:
    content = worker_content(project(tmp_path, "print('compiled')\n"), interpreter=running())
    assert running().bytecode_name("tasks.py") in names(content)
    assert running().bytecode_name("ftask/core/execution.py") in names(content)
    content.write_to(tmp_path / "build")
    (tmp_path / "build" / "tasks.py").write_text("print('source')\n")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import tasks"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path / "build")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "compiled\n"


def test_bytecode_is_a_fact_of_the_key_and_the_key_is_the_same_each_time(tmp_path: Path) -> None:
    files = project(tmp_path)
    compiled = worker_content(files, interpreter=running())
    assert compiled.key == worker_content(files, interpreter=running()).key
    assert compiled.key != worker_content(files).key
    assert compiled.key != worker_content(project(tmp_path, "X = 2\n"), interpreter=running()).key
    otherwise = [
        bytes_entry(entry.name, b"compiled elsewhere") if entry.is_bytecode else entry for entry in compiled.entries
    ]
    assert Content.of(otherwise).key == compiled.key


def test_a_file_that_does_not_compile_is_shipped_without_bytecode(tmp_path: Path) -> None:
    content = worker_content(project(tmp_path, "def\n"), interpreter=running())
    assert "tasks.py" in names(content)
    assert running().bytecode_name("tasks.py") not in names(content)


def test_code_that_is_too_large_with_bytecode_goes_without() -> None:
    source = Entry("a/x.py", b"", "1", MAX_UNZIPPED_BYTES)
    bytecode = Entry("a/__pycache__/x.cpython-313.pyc", b"", "2", 1)
    assert fit(Content.of([source, bytecode])).entries == (source,)
    with pytest.raises(FtaskError, match="AWS Lambda takes at most"):
        fit(Content.of([source, Entry("a/y.py", b"", "3", 1)]))


def test_an_interpreter_that_only_pretends_to_be_of_the_version_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version, script in (("3.0", "exit 127"), ("3.1", "echo cpython 3.2"), ("3.2", "echo cpython 3.2")):
        path = tmp_path / f"python{version}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_interpreter("3.0") is None
    assert find_interpreter("3.1") is None
    assert find_interpreter("3.2") == Interpreter(str(tmp_path / "python3.2"), "3.2")
    assert find_interpreter("3.3") is None
