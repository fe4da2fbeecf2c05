from __future__ import annotations

from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.build import build_code
from ftask.deploy.platforms import host_platform
from ftask.deploy.project import open_project
from ftask.deploy.worker_view import refuse_hiding, require_current_botocore


@pytest.mark.parametrize("name", ["secrets.py", "queue.py", "calendar/__init__.py", "botocore.py", "json.abi3.so"])
def test_a_file_of_the_project_that_hides_what_the_worker_imports_is_refused(name: str) -> None:
    module = name.partition("/")[0].partition(".")[0]
    with pytest.raises(FtaskError, match=f"hides the module '{module}'") as refused:
        refuse_hiding(["tasks.py", name], [])
    assert refused.value.message.startswith(name.replace("__init__.py", ""))


@pytest.mark.parametrize(
    "name",
    [
        "shop/queue.py",  # imported as shop.queue
        "queue.json",
        "calendar/holidays.csv",  # no package: Python goes on to its own module
        "tasks.py",
    ],
)
def test_a_file_that_no_import_of_the_workers_finds_is_taken(name: str) -> None:
    refuse_hiding([name], [name])


def test_a_requirement_that_hides_a_module_of_pythons_is_refused() -> None:
    """The package pathlib of PyPI is a backport for Python 2."""
    with pytest.raises(FtaskError, match=r"install pathlib\.py, which hides Python's own module 'pathlib'"):
        refuse_hiding([], ["pathlib-1.0.1.dist-info/METADATA", "pathlib.py"])


def test_a_requirement_may_bring_a_newer_boto3_and_what_python_no_longer_has() -> None:
    refuse_hiding([], ["botocore/__init__.py", "urllib3/__init__.py", "six.py", "cgi.py", "telnetlib/__init__.py"])


def test_a_project_that_hides_a_module_is_refused_before_its_tasks_are_imported(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("raise AssertionError('imported')\n")
    (tmp_path / "secrets.py").touch()
    project = open_project(tmp_path, "tasks", include=["secrets.py"])
    with pytest.raises(FtaskError, match=r"secrets\.py hides the module"):
        build_code(project, host_platform(), "eu-central-1", cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("versions", "says"),
    [
        ({"botocore": "1.27.0"}, r"botocore 1\.27\.0; the worker needs 1\.31\.0"),
        ({"boto3": "1.26.9", "botocore": "1.29.9"}, r"botocore 1\.29\.9 \(with boto3 1\.26\.9\); the worker"),
    ],
)
def test_an_older_botocore_than_the_worker_can_use_is_refused(versions: dict[str, str], says: str) -> None:
    with pytest.raises(FtaskError, match=says) as refused:
        require_current_botocore(versions)
    assert "boto3>=1.28.0" in str(refused.value.hint)


@pytest.mark.parametrize("versions", [{}, {"botocore": "1.31.0"}, {"botocore": "1.100.2", "boto3": "1.100.2"}])
def test_a_botocore_that_the_worker_can_use_is_taken(versions: dict[str, str]) -> None:
    require_current_botocore(versions)
