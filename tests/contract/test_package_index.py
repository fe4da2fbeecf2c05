"""Builds for AWS Lambda from the package index that this machine uses: what a deployment does, on another platform."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.archive import Content
from ftask.deploy.dependencies import Build, build_dependencies
from ftask.deploy.installers import find_uv
from ftask.deploy.platforms import LAMBDA

REQUIREMENTS = """\
pydantic>=2.10
tomli; python_version < "3.11"
colorama; sys_platform == "win32"
"""

BuildOf = Callable[[str, str], Build]


@pytest.fixture
def build_of(tmp_path: Path) -> BuildOf:
    """Build the requirements of a file, in a cache by name."""

    def build(text: str, cache: str = "cache") -> Build:
        file = tmp_path / "requirements.txt"
        file.write_text(text)
        try:
            return build_dependencies(file, LAMBDA, tmp_path / cache)
        except FtaskError as error:
            if error.message.startswith("Cannot reach the package index") and not os.environ.get("CI"):
                pytest.skip("no package index can be reached")
            raise

    return build


def test_a_build_for_lambda_holds_only_wheels_that_run_there(build_of: BuildOf) -> None:
    build = build_of(REQUIREMENTS, "cache")
    installed = {distribution.name: distribution for distribution in distributions(path=[str(build.folder)])}
    assert {"pydantic", "pydantic_core"} <= installed.keys()
    assert not {"tomli", "colorama"} & installed.keys()
    for distribution in installed.values():
        tags = re.findall(r"^Tag: (\S+)", distribution.read_text("WHEEL") or "", re.MULTILINE)
        assert tags
        assert all(tag.endswith(("-any", "_aarch64")) for tag in tags)
    libraries = [entry.name for entry in build.entries if entry.name.endswith(".so")]
    assert libraries
    assert all(name.endswith(".cpython-313-aarch64-linux-gnu.so") for name in libraries)


def test_two_builds_have_the_same_key(build_of: BuildOf) -> None:
    first, second = build_of(REQUIREMENTS, "one"), build_of(REQUIREMENTS, "two")
    assert first.folder != second.folder
    assert Content.of(first.entries).key == Content.of(second.entries).key


def test_a_package_that_has_only_its_source_is_named(build_of: BuildOf) -> None:
    with pytest.raises(FtaskError, match=r"docopt==0\.6\.2.* for Python 3\.13 on Linux aarch64") as caught:
        build_of("docopt==0.6.2\n", "cache")
    assert "docopt" not in (caught.value.hint or "")


def test_what_uv_locks_is_what_gets_built(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["h11>=0.14"]\n'
        '[dependency-groups]\ndev = ["iniconfig"]\n'
    )
    for name in ("pyproject.toml", "uv.lock"):
        with pytest.raises(FtaskError, match=r"no uv\.lock"):
            build_dependencies(tmp_path / name, LAMBDA, tmp_path / "cache")
    locked = subprocess.run(
        [*find_uv(), "lock", "--python", sys.executable], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    if locked.returncode != 0 and not os.environ.get("CI"):
        pytest.skip("no package index can be reached")
    assert locked.returncode == 0, locked.stderr
    for name in ("pyproject.toml", "uv.lock"):
        build = build_dependencies(tmp_path / name, LAMBDA, tmp_path / "cache")
        assert list(build.versions) == ["h11"]
