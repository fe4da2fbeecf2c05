"""The files that `ftask dev` watches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.project import Project, open_project
from ftask.deploy.watching import FileWatch, deployment_files


def write(root: Path, **files: str) -> None:
    """Write files below `root`; `__` in a name stands for the dot before its ending."""
    for name, text in files.items():
        path = root / name.replace("__", ".")
        path.write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write(tmp_path, ftask__toml="", requirements__txt="-r base.txt\n", base__txt="six\n", policy__json="{}")
    write(tmp_path, unrelated__txt="")
    (tmp_path / "shop").mkdir()
    write(tmp_path / "shop", letter__html="<p>")
    (tmp_path / "shop" / "__init__.py").write_text("")
    return open_project(
        tmp_path, "shop", include=["shop/*.html"], requirements="requirements.txt", policy="policy.json"
    )


def look_twice(watch: FileWatch) -> list[str]:
    return [path.name for look in (watch.look(), watch.look()) for path in look]


def test_a_deployment_is_made_from_the_settings_and_what_they_name(project: Project) -> None:
    names = {path.name for path in deployment_files(project.root / "ftask.toml", project)}
    assert names == {"ftask.toml", "requirements.txt", "base.txt", "policy.json", "__init__.py", "letter.html"}


def test_a_lock_is_watched_with_what_it_was_made_from(tmp_path: Path) -> None:
    write(tmp_path, tasks__py="", uv__lock="", pyproject__toml="")
    project = open_project(tmp_path, "tasks", requirements="uv.lock")
    names = {path.name for path in deployment_files(tmp_path / "ftask.toml", project)}
    assert names == {"ftask.toml", "tasks.py", "uv.lock", "pyproject.toml"}


def test_each_change_is_reported_once(project: Project) -> None:
    watch = FileWatch(lambda: deployment_files(project.root / "ftask.toml", project))
    assert look_twice(watch) == []
    (project.root / "shop" / "__init__.py").write_text("X = 1\n")
    write(project.root, unrelated__txt="not watched")
    assert look_twice(watch) == ["__init__.py"]
    assert look_twice(watch) == []


def test_a_file_that_is_still_being_written_is_not_reported(project: Project) -> None:
    watch = FileWatch(lambda: deployment_files(project.root / "ftask.toml", project))
    module = project.root / "shop" / "__init__.py"
    module.write_text("")
    os.utime(module, ns=(1, 1))
    assert watch.look() == ()
    module.write_text("X = 1\n")
    assert watch.look() == ()
    assert watch.look() == (module,)


def test_files_that_appear_and_go_are_changes(project: Project) -> None:
    watch = FileWatch(lambda: deployment_files(project.root / "ftask.toml", project))
    more = project.root / "shop" / "more.py"
    more.write_text("")
    assert look_twice(watch) == ["more.py"]
    more.unlink()
    assert look_twice(watch) == ["more.py"]


def test_a_project_that_is_broken_for_a_while_is_watched_on(project: Project) -> None:
    broken = False

    def files() -> frozenset[Path]:
        if broken:
            raise FtaskError("The tasks module does not exist.")
        return deployment_files(project.root / "ftask.toml", project)

    watch = FileWatch(files)
    module = project.root / "shop" / "__init__.py"
    broken = True
    module.unlink()
    assert look_twice(watch) == ["__init__.py"]
    module.write_text("")
    assert look_twice(watch) == ["__init__.py"]
