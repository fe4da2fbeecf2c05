from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.archive import Content, Interpreter, bytes_entry
from ftask.deploy.dependencies import Build
from ftask.deploy.manifest import can_import, import_environment, make_manifest
from ftask.deploy.platforms import LAMBDA, host_platform
from ftask.deploy.project import Project

# What `python -m ftask.tasks.manifest MODULE` is to the importer: it imports the module, and prints JSON.
MANIFEST_OF_FTASK = """
import importlib, json, os, sys
module = importlib.import_module(sys.argv[1])
print(json.dumps({"argv": sys.argv, "facts": getattr(module, "FACTS", None)}))
"""
NO_ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def code(text: str) -> Content:
    return Content.of(
        [
            bytes_entry("ftask/__init__.py", b""),
            bytes_entry("ftask/tasks/__init__.py", b""),
            bytes_entry("ftask/tasks/manifest.py", MANIFEST_OF_FTASK.encode()),
            bytes_entry("tasks.py", text.encode()),
        ]
    )


def build(folder: Path) -> Build:
    return Build(host_platform(), folder, folder / "x.zip", (), {}, True, 0.0)


def test_the_module_is_imported_from_the_build_and_its_dependencies(tmp_path: Path) -> None:
    (tmp_path / "dependency.py").write_text("NAME = 'installed'\n")
    text = "import dependency, ftask\nFACTS = [dependency.NAME, ftask.__file__]\n"
    printed = json.loads(
        make_manifest("tasks", code(text), build(tmp_path), python=sys.executable, environment=NO_ENVIRONMENT)
    )
    name, place = printed["facts"]
    assert name == "installed"
    assert printed["argv"][1:] == ["tasks"]
    assert "ftask-import-" in place
    assert not (tmp_path / "__pycache__").exists()


def test_what_only_the_environment_of_ftask_has_cannot_be_imported(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    bare = tmp_path / "bare" / "bin" / "python"
    with pytest.raises(FtaskError, match="No module named 'typer'") as caught:
        make_manifest("tasks", code("import typer\n"), None, python=str(bare), environment=NO_ENVIRONMENT)
    assert "Nothing was deployed" in (caught.value.hint or "")


def test_an_import_error_ends_with_the_tracebacks_end(tmp_path: Path) -> None:
    text = "def deep():\n    raise RuntimeError('no database here')\ndeep()\n"
    with pytest.raises(FtaskError, match="Cannot read the tasks of the module 'tasks'") as caught:
        make_manifest("tasks", code(text), None, python=sys.executable, environment=NO_ENVIRONMENT)
    assert caught.value.message.endswith("RuntimeError: no database here")
    assert 'File "tasks.py", line 2, in deep' in caught.value.message


def test_a_syntax_error_names_its_line() -> None:
    with pytest.raises(FtaskError, match=r"SyntaxError") as caught:
        make_manifest("tasks", code("x = (\n"), None, python=sys.executable, environment=NO_ENVIRONMENT)
    assert 'File "tasks.py", line 1' in caught.value.message


def test_an_import_that_hangs_is_ended() -> None:
    with pytest.raises(FtaskError, match=r"took more than 0\.5 s"):
        make_manifest(
            "tasks",
            code("import time; time.sleep(60)\n"),
            None,
            python=sys.executable,
            environment=NO_ENVIRONMENT,
            timeout_seconds=0.5,
        )


def test_warnings_of_the_import_are_passed_on() -> None:
    lines: list[str] = []
    text = "import sys; print('warning: slow', file=sys.stderr)\n"
    make_manifest("tasks", code(text), None, python=sys.executable, environment=NO_ENVIRONMENT, progress=lines.append)
    assert lines == ["warning: slow"]


def test_the_import_sees_the_projects_variables_and_nobodys_credentials() -> None:
    project = Project(Path(), "tasks", environment={"LOG_LEVEL": "INFO"}, secrets={"KEY": "arn:aws:ssm:…"})
    mine = {"PATH": "/bin", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_PROFILE": "prod", "PYTHONPATH": "/x", "GITHUB_TOKEN": "t"}
    environment = import_environment(project, "eu-north-1", mine)
    assert environment["LOG_LEVEL"] == "INFO"
    assert environment["PATH"] == "/bin"
    assert environment["AWS_REGION"] == "eu-north-1"
    assert "arn" not in environment["KEY"]
    assert {"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "PYTHONPATH", "GITHUB_TOKEN"}.isdisjoint(environment)


def test_the_very_build_is_imported_where_this_machine_can(tmp_path: Path) -> None:
    pure = replace(build(tmp_path), platform=LAMBDA)
    assert can_import(build(tmp_path), None)
    assert can_import(pure, Interpreter("python3.13", "3.13"))
    assert not can_import(pure, None)
    assert not can_import(pure, Interpreter("python3.12", "3.12"))
    assert not can_import(replace(pure, is_pure=False), Interpreter("python3.13", "3.13"))


@pytest.mark.parametrize(
    ("text", "include"),
    [
        ("import importlib; importlib.import_module('helpers')", "helpers.py"),
        ("open('prices.csv')", "prices.csv"),
        ("import pathlib; pathlib.Path(__file__).with_name('prices.csv').read_text()", "prices.csv"),
    ],
)
def test_what_the_archive_leaves_out_is_to_be_included(tmp_path: Path, text: str, include: str) -> None:
    (tmp_path / include).write_text("")
    with pytest.raises(FtaskError) as caught:
        make_manifest("tasks", code(text), None, python=sys.executable, environment=NO_ENVIRONMENT, root=tmp_path)
    assert f'include = ["{include}"]' in (caught.value.hint or "")
