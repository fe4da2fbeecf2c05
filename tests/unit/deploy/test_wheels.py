from __future__ import annotations

import zipfile
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.platforms import LAMBDA, PYTHON_VERSIONS, Platform, lambda_platform
from ftask.deploy.wheels import is_pure, require_wheels_for
from tests.support.wheels import make_wheel


def installed(folder: Path, *wheels: Path) -> list[Distribution]:
    target = folder / "installed"
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    return list(distributions(path=[str(target)]))


@pytest.mark.parametrize("version", PYTHON_VERSIONS)
def test_a_wheel_is_for_the_python_that_the_stage_chose(tmp_path: Path, version: str) -> None:
    abi = f"cp{version.replace('.', '')}"
    platform = lambda_platform({"PythonVersion": version})
    for tag in (f"{abi}-{abi}-manylinux_2_28_aarch64", "cp39-abi3-manylinux_2_17_aarch64", "py3-none-any"):
        require_wheels_for(platform, installed(tmp_path / tag, make_wheel(tmp_path, "a", tag=tag)))
    (other,) = {*PYTHON_VERSIONS} - {version}
    foreign = f"cp{other.replace('.', '')}"
    wheel = make_wheel(tmp_path, "b", tag=f"{foreign}-{foreign}-manylinux_2_28_aarch64")
    with pytest.raises(FtaskError, match=f"does not run on Python {version} on Linux aarch64"):
        require_wheels_for(platform, installed(tmp_path / "foreign", wheel))


def test_a_python_that_the_functions_do_not_run_on_is_refused() -> None:
    with pytest.raises(FtaskError, match=r"Invalid PythonVersion '3\.12'"):
        lambda_platform({"PythonVersion": "3.12"})


@pytest.mark.parametrize(
    "tag",
    [
        "py3-none-any",
        "cp313-cp313-manylinux_2_17_aarch64",
        "cp313-cp313-manylinux2014_aarch64",
        "cp39-abi3-manylinux_2_34_aarch64",
        "cp313-none-any",
        "py2.py3-none-any",
        "py3-none-manylinux_2_28_aarch64",
    ],
)
def test_a_wheel_that_runs_on_lambda_is_taken(tmp_path: Path, tag: str) -> None:
    require_wheels_for(LAMBDA, installed(tmp_path, make_wheel(tmp_path, "a", tag=tag)))


@pytest.mark.parametrize(
    "tag",
    [
        "cp313-cp313-manylinux_2_35_aarch64",
        "cp313-cp313-manylinux_2_17_x86_64",
        "cp312-cp312-manylinux_2_17_aarch64",
        "cp313-cp313t-manylinux_2_17_aarch64",
        "cp313-cp313-musllinux_1_2_aarch64",
        "cp313-cp313-linux_aarch64",
        "py2-none-any",
    ],
)
def test_a_wheel_of_another_platform_is_refused(tmp_path: Path, tag: str) -> None:
    with pytest.raises(
        FtaskError, match=rf"The wheel of a 1\.0 does not run on Python 3\.13 on Linux aarch64: .*{tag[:4]}"
    ):
        require_wheels_for(LAMBDA, installed(tmp_path, make_wheel(tmp_path, "a", tag=tag)))


def test_x86_64_is_a_platform_too(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "a", tag="cp313-cp313-manylinux_2_17_x86_64")
    require_wheels_for(Platform("3.13", "x86_64", (2, 34)), installed(tmp_path, wheel))


def test_only_a_wheel_for_all_platforms_is_pure(tmp_path: Path) -> None:
    (pure,) = installed(tmp_path / "1", make_wheel(tmp_path, "a"))
    (native,) = installed(tmp_path / "2", make_wheel(tmp_path, "b", tag="cp313-cp313-manylinux_2_17_aarch64"))
    assert is_pure(pure)
    assert not is_pure(native)
