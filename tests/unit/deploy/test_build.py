"""The two archives of a deployment, from this installation and from a project."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.build import ENVIRONMENT, MANIFEST, Code, build_code
from ftask.deploy.platforms import Platform, host_platform
from ftask.deploy.project import open_project
from ftask.deploy.template import stack_folder

TASKS = "from ftask.tasks import task\n\n\n@task\ndef greet(name):\n    return f'hello {name}'\n"


def built(root: Path, text: str = TASKS, **settings: str) -> Code:
    (root / "tasks.py").write_text(text)
    project = open_project(root, "tasks", environment=settings)
    return build_code(project, host_platform(), "eu-central-1", cache=root / "cache")


def names(code: Code) -> tuple[set[str], set[str]]:
    return ({entry.name for entry in code.api.content.entries}, {entry.name for entry in code.worker.content.entries})


def test_the_archives_are_the_same_whenever_they_are_built(tmp_path: Path) -> None:
    def zips() -> list[bytes]:
        code = build_code(None, host_platform(), "eu-central-1")
        for archive in (code.api, code.worker):
            archive.write(tmp_path / archive.sha256)
        return [(tmp_path / archive.sha256).read_bytes() for archive in (code.api, code.worker)]

    first = zips()
    source = stack_folder() / "handlers" / "worker.py"
    times = source.stat().st_atime_ns, source.stat().st_mtime_ns
    try:
        os.utime(source, (1, 1))
        assert zips() == first
    finally:
        os.utime(source, ns=times)


def test_without_own_tasks_the_archives_hold_ftask_alone() -> None:
    code = build_code(None, host_platform(), "eu-central-1")
    api, worker = names(code)
    assert {"ftask/__init__.py", "ftask/core/submission.py", "ftask/handlers/api.py"} <= api
    assert {"ftask/__init__.py", "ftask/core/execution.py", "ftask/handlers/worker.py"} <= worker
    assert not {MANIFEST, ENVIRONMENT} & (api | worker)
    folders = tuple(
        f"ftask/{name}/" for name in ("client", "core", "django", "handlers", "schedules", "tasks", "__pycache__")
    )
    assert all(name.startswith(folders) or name == "ftask/__init__.py" for name in api | worker)


def test_a_change_of_task_code_leaves_the_api_alone(tmp_path: Path) -> None:
    first = built(tmp_path)
    changed = built(tmp_path, TASKS.replace("hello", "good day,"))
    assert changed.api.sha256 == first.api.sha256
    assert changed.worker.sha256 != first.worker.sha256
    for name, code in (("first", first), ("changed", changed)):
        code.api.write(tmp_path / f"{name}.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "changed.zip").read_bytes()


@pytest.mark.parametrize(
    "replacement",
    [
        "lambda value, **options: b'{}'",  # as orjson returns it
        "lambda value, indent=None: '{}'",
        "None",
    ],
)
def test_tasks_that_break_json_for_the_worker_are_refused(tmp_path: Path, replacement: str) -> None:
    with pytest.raises(FtaskError, match=r"replaces json\.dumps or json\.loads"):
        built(tmp_path, f"import json\njson.dumps = {replacement}\n{TASKS}")


def test_tasks_may_replace_json_by_what_does_the_same(tmp_path: Path) -> None:
    built(tmp_path, f"import functools, json\njson.dumps = functools.partial(json.dumps, default=str)\n{TASKS}")


def test_a_new_task_reaches_the_api(tmp_path: Path) -> None:
    assert built(tmp_path).api.sha256 != built(tmp_path, TASKS.replace("greet(", "welcome(")).api.sha256


def test_the_worker_has_the_projects_environment(tmp_path: Path) -> None:
    code = built(tmp_path, LOG_LEVEL="INFO")
    code.worker.write(tmp_path / "worker.zip")
    with zipfile.ZipFile(tmp_path / "worker.zip") as archive:
        assert json.loads(archive.read(ENVIRONMENT)) == {"LOG_LEVEL": "INFO"}
        assert [entry["name"] for entry in json.loads(archive.read(MANIFEST))["types"]] == ["greet"]
        assert archive.read("tasks.py").decode() == TASKS
    assert built(tmp_path, LOG_LEVEL="DEBUG").worker.sha256 != code.worker.sha256


def test_code_without_bytecode_is_warned_of(tmp_path: Path) -> None:
    warnings: list[str] = []
    (tmp_path / "tasks.py").write_text(TASKS)
    project = open_project(tmp_path, "tasks")
    for platform in (host_platform(), Platform("3.99", "aarch64", (2, 34))):
        build_code(project, platform, "eu-central-1", cache=tmp_path / "cache", warn=warnings.append)
    (warning,) = warnings
    assert warning.startswith("The worker's code has no bytecode: this machine has no Python 3.99. ")


def test_a_module_that_cannot_be_imported_ends_the_build(tmp_path: Path) -> None:
    with pytest.raises(FtaskError, match=r"Cannot read the tasks of the module 'tasks'(?s:.*)ZeroDivisionError"):
        built(tmp_path, "1 / 0\n")
