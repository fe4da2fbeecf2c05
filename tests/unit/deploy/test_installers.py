from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.installers import Installer, find_installer, options_of_pip, pip_arguments, uv_arguments
from ftask.deploy.platforms import LAMBDA, host_platform

RUN = (sys.executable, "-m")
FOLDER, FILE = Path("build"), Path("requirements.txt")


def test_uv_resolves_for_the_platform_of_the_functions_and_takes_wheels_only() -> None:
    text = " ".join(uv_arguments(FOLDER, LAMBDA, FILE))
    assert "--target build" in text
    assert "--python-platform aarch64-manylinux_2_34" in text
    assert "--python-version 3.13" in text
    assert "--only-binary :all:" in text


def test_uv_builds_for_this_machine_without_a_platform() -> None:
    arguments = uv_arguments(FOLDER, host_platform(), FILE)
    assert "--python-platform" not in arguments
    assert arguments[arguments.index("--python") + 1] == sys.executable
    assert "--only-binary" in arguments


def test_pip_gets_every_tag_that_runs_there() -> None:
    text = " ".join(pip_arguments(FOLDER, LAMBDA, FILE))
    for tag in ("manylinux_2_34_aarch64", "manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"):
        assert f"--platform {tag}" in text
    assert "manylinux_2_35" not in text
    assert "x86_64" not in text
    assert "--python-version 3.13 --implementation cp --abi cp313 --abi abi3 --abi none" in text
    assert "--platform" not in pip_arguments(FOLDER, host_platform(), FILE)


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


@pytest.mark.parametrize(
    ("importable", "on_the_path", "chosen"),
    [
        ({"uv", "pip"}, {}, Installer("uv", (*RUN, "uv"))),
        ({"pip"}, {"uv": "/bin/uv"}, Installer("uv", ("/bin/uv",))),
        ({"pip"}, {"pip": "/bin/pip"}, Installer("pip", (*RUN, "pip"))),
        (set(), {"pip": "/bin/pip"}, Installer("pip", ("/bin/pip",))),
    ],
)
def test_uv_comes_before_pip_and_what_is_installed_with_ftask_before_the_path(
    importable: set[str], on_the_path: dict[str, str], chosen: Installer
) -> None:
    assert find_installer(importable.__contains__, on_the_path.get) == chosen


def test_without_uv_and_pip_it_says_what_to_install() -> None:
    with pytest.raises(FtaskError, match="neither uv nor pip") as caught:
        find_installer(lambda module: False, lambda program: None)
    assert "[build]" in (caught.value.hint or "")
