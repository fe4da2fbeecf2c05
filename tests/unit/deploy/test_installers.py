from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.installers import find_uv, options_of_pip, uv_arguments
from ftask.deploy.platforms import LAMBDA, host_platform, lambda_platform
from ftask.deploy.requirements import Requirements

FOLDER = Path("build")
REQUIREMENTS = Requirements(Path("requirements.txt"), "", frozenset())


def test_uv_resolves_for_the_platform_of_the_functions_and_takes_wheels_only() -> None:
    text = " ".join(uv_arguments(REQUIREMENTS, FOLDER, LAMBDA, []))
    assert "--target build" in text
    assert "--python-platform aarch64-manylinux_2_34" in text
    assert "--python-version 3.13" in text
    assert "--only-binary :all: --refresh" in text


def test_uv_builds_for_this_machine_without_a_platform() -> None:
    arguments = uv_arguments(REQUIREMENTS, FOLDER, host_platform(), [])
    assert "--python-platform" not in arguments
    assert arguments[arguments.index("--python") + 1] == sys.executable
    assert "--only-binary" in arguments


def test_the_index_that_pip_is_configured_for_is_uvs_too() -> None:
    listing = """\
:env:.index-url='https://env.example/simple'
global.extra-index-url='https://one.example/simple https://two.example/simple'
global.index-url='https://global.example/simple'
global.timeout='10'
install.find-links='/wheels'
freeze.find-links='/no'
"""
    assert options_of_pip(listing) == [
        *("--index-url", "https://env.example/simple"),
        *("--extra-index-url", "https://one.example/simple"),
        *("--extra-index-url", "https://two.example/simple"),
        *("--find-links", "/wheels"),
        *("--index-strategy", "unsafe-best-match"),
    ]
    assert options_of_pip("global.index-url='https://a.example/simple'\n") == [
        "--index-url",
        "https://a.example/simple",
    ]
    assert options_of_pip("") == []


def test_uv_is_taken_from_where_ftask_is_installed_else_from_the_path() -> None:
    on_the_path = {"uv": "/bin/uv"}.get
    assert find_uv({"uv"}.__contains__, on_the_path) == (sys.executable, "-m", "uv")
    assert find_uv(set[str]().__contains__, on_the_path) == ("/bin/uv",)
    with pytest.raises(FtaskError, match="uv is not installed") as caught:
        find_uv({"pip"}.__contains__, lambda program: None)
    assert "[build]" in (caught.value.hint or "")


def test_a_python_that_the_functions_do_not_run_on_is_refused() -> None:
    with pytest.raises(FtaskError, match=r"Invalid PythonVersion '3\.12'"):
        lambda_platform({"PythonVersion": "3.12"})
