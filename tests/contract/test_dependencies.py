"""Builds by the real uv and the real pip, from wheels that the test makes; no index is asked."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
import zipfile
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

import pytest

from ftask.cache_folder import cache_folder
from ftask.core.errors import FtaskError
from ftask.deploy.archive import Content, write_zip
from ftask.deploy.bytecode import Interpreter, find_interpreter
from ftask.deploy.dependencies import KEPT_UNUSED_DAYS, Build, build_dependencies
from ftask.deploy.installers import Installer
from ftask.deploy.platforms import LAMBDA, Platform, host_platform
from tests.support.wheels import make_wheel

UV = Installer("uv", (sys.executable, "-m", "uv"))
PIP = Installer("pip", (sys.executable, "-m", "pip"))
BOTH = [pytest.param(UV, id="uv"), pytest.param(PIP, id="pip")]
HOST = host_platform()
NATIVE = "cp313-cp313-manylinux_2_28_aarch64"


class Place:
    """A project's folder with a folder of wheels, and a cache."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.file = folder / "requirements.txt"
        self.cache = folder / "cache"
        self.lines: list[str] = []

    def require(self, *lines: str) -> None:
        self.file.write_text("\n".join(["--no-index", "--find-links wheels", *lines]) + "\n")

    def build(
        self, platform: Platform = LAMBDA, installer: Installer = UV, interpreter: Interpreter | None = None
    ) -> Build:
        self.lines.clear()
        return build_dependencies(
            self.file, platform, self.cache, installer=installer, interpreter=interpreter, progress=self.lines.append
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    # Configured so, uv does not take pip's index, and pip does not have to be asked each time.
    monkeypatch.setenv("UV_FIND_LINKS", str(place.wheels))
    return place


def entries(build: Build) -> Sequence[str]:
    return [entry.name for entry in build.entries]


@pytest.mark.parametrize("installer", BOTH)
def test_a_build_holds_what_the_platform_needs(place: Place, installer: Installer) -> None:
    make_wheel(place.wheels, "native", tag=NATIVE)
    make_wheel(place.wheels, "native", tag="cp311-cp311-manylinux_2_28_x86_64")
    make_wheel(place.wheels, "pure", requires=["native"])
    place.require("pure", 'nowhere; python_version < "3.11"', 'windows; sys_platform == "win32"')
    build = place.build(installer=installer)
    assert build.versions == {"native": "1.0", "pure": "1.0"}
    assert not build.is_pure
    (native,) = distributions(name="native", path=[str(build.folder)])
    assert f"Tag: {NATIVE}" in (native.read_text("WHEEL") or "")
    assert any(f"pure{separator}1.0" in line for line in place.lines for separator in ("==", "-"))


@pytest.mark.parametrize("installer", BOTH)
def test_a_build_keeps_nothing_that_differs_from_run_to_run(place: Place, installer: Installer) -> None:
    program = {"pure.py": "", "pure-1.0.data/scripts/pure-command": "#!python\n", "__pycache__/pure.pyc": ""}
    make_wheel(place.wheels, "pure", files=program)
    place.require("pure")
    build = place.build(installer=installer)
    assert entries(build) == ["pure-1.0.dist-info/METADATA", "pure-1.0.dist-info/WHEEL", "pure.py"]
    shutil.rmtree(place.cache)
    again = place.build(installer=installer)
    assert Content.of(again.entries).key == Content.of(build.entries).key


def test_uv_and_pip_make_the_same_build(place: Place) -> None:
    make_wheel(place.wheels, "native", tag=NATIVE)
    make_wheel(place.wheels, "pure", requires=["native"])
    place.require("pure")
    by_uv, by_pip = (place.build(installer=installer) for installer in (UV, PIP))
    assert Content.of(by_uv.entries).key == Content.of(by_pip.entries).key


def test_what_pip_leaves_out_for_the_wrong_machine_is_noticed(place: Place) -> None:
    make_wheel(place.wheels, "pure", requires=[f'only_there; python_version == "{LAMBDA.python}"'])
    make_wheel(place.wheels, "only_there")
    place.require("pure")
    assert "only_there" in place.build(installer=UV).versions
    if HOST.python == LAMBDA.python:
        pytest.skip("this machine has the Python of the functions")
    with pytest.raises(FtaskError, match=r"only_there.*required by pure, is missing"):
        place.build(installer=PIP)


def test_the_local_stage_gets_the_wheels_of_this_machine(place: Place) -> None:
    make_wheel(place.wheels, "native", tag=NATIVE)
    make_wheel(place.wheels, "pure")
    place.require("pure")
    assert place.build(HOST).versions == {"pure": "1.0"}
    place.require("native")
    with pytest.raises(FtaskError, match="native"):
        place.build(HOST)


@pytest.mark.parametrize("installer", BOTH)
def test_a_package_without_a_wheel_for_the_platform_is_named(place: Place, installer: Installer) -> None:
    make_wheel(place.wheels, "native", tag="cp311-cp311-manylinux_2_28_x86_64")
    place.require("native")
    with pytest.raises(FtaskError, match=r"wheel of native|native.* has no wheel") as caught:
        place.build(installer=installer)
    assert "Python 3.13 on Linux aarch64" in caught.value.message


@pytest.mark.parametrize("installer", BOTH)
def test_an_unknown_package_and_a_conflict_are_named(place: Place, installer: Installer) -> None:
    place.require("nosuchthing")
    with pytest.raises(FtaskError, match="nosuchthing"):
        place.build(installer=installer)
    make_wheel(place.wheels, "a", requires=["c<2"])
    make_wheel(place.wheels, "b", requires=["c>=2"])
    make_wheel(place.wheels, "c", "1.0")
    make_wheel(place.wheels, "c", "2.0")
    place.require("a", "b")
    with pytest.raises(FtaskError, match="contradict each other"):
        place.build(installer=installer)


@pytest.mark.parametrize("installer", BOTH)
def test_without_a_network_it_says_so(place: Place, installer: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    place.file.write_text("a-package-that-no-cache-has\n")
    with pytest.raises(FtaskError, match="Cannot reach the package index"):
        place.build(installer=installer)


@pytest.mark.parametrize("installer", BOTH)
def test_requirements_that_ask_for_nothing_on_the_platform_are_an_empty_build(
    place: Place, installer: Installer
) -> None:
    place.file.write_text('# nothing\nwindows; sys_platform == "win32"\n')
    assert place.build(installer=installer).entries == ()


def test_an_unchanged_build_is_taken_from_the_cache(place: Place) -> None:
    make_wheel(place.wheels, "pure")
    place.require("pure")
    first = place.build()
    assert place.lines
    assert place.build() == first
    assert place.lines == []
    place.require("pure==1.0")
    place.build()
    assert place.lines


@pytest.mark.parametrize("damage", ["changed", "missing", "added", "record", "zip"])
def test_a_damaged_build_is_made_again(place: Place, damage: str) -> None:
    make_wheel(place.wheels, "pure")
    place.require("pure")
    build = place.build()
    key = Content.of(build.entries).key
    module = build.folder / "pure.py"
    if damage == "changed":
        module.write_text("VERSION = '1.1'\n")
    elif damage == "missing":
        module.unlink()
    elif damage == "added":
        (build.folder / "more.py").write_text("")
    elif damage == "record":
        (build.folder.parent / "build.json").write_text("{")
    else:
        build.compressed.write_bytes(b"")
    again = place.build()
    assert place.lines
    assert Content.of(again.entries).key == key
    with zipfile.ZipFile(again.compressed) as archive:
        assert sorted(archive.namelist()) == list(entries(again))


def test_an_installation_that_fails_leaves_nothing_behind(place: Place) -> None:
    place.require("nosuchthing")
    with pytest.raises(FtaskError):
        place.build()
    assert [path for path in (place.cache / "dependencies").iterdir() if path.is_dir()] == []


def test_two_at_once_install_once(place: Place) -> None:
    make_wheel(place.wheels, "pure")
    place.require("pure")
    outputs: list[list[str]] = [[], []]
    builds: list[Build] = []

    def build(lines: list[str]) -> None:
        builds.append(build_dependencies(place.file, LAMBDA, place.cache, installer=UV, progress=lines.append))

    threads = [threading.Thread(target=build, args=(lines,)) for lines in outputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 2
    assert builds[0] == builds[1]
    assert sum(any("pure==1.0" in line for line in lines) for lines in outputs) == 1


def test_builds_that_nothing_uses_are_forgotten(place: Place) -> None:
    make_wheel(place.wheels, "pure")
    place.require("pure")
    old = place.build().folder.parent
    long_ago = time.time() - (KEPT_UNUSED_DAYS + 1) * 86_400
    os.utime(old, (long_ago, long_ago))
    place.require("pure==1.0")
    place.build()
    assert not old.exists()


def test_dependencies_are_compiled_and_a_zip_takes_them_as_they_are(place: Place, tmp_path: Path) -> None:
    make_wheel(place.wheels, "pure")
    place.require("pure")
    interpreter = find_interpreter(HOST.python)
    assert interpreter is not None
    build = place.build(HOST, interpreter=interpreter)
    bytecode = interpreter.bytecode_name("pure.py")
    assert bytecode in entries(build)
    assert Content.of(build.entries).key != Content.of(place.build(HOST).entries).key
    write_zip(Content.of(build.entries), tmp_path / "x.zip", build.compressed)
    assert (tmp_path / "x.zip").read_bytes() == build.compressed.read_bytes()


def test_the_cache_is_where_the_environment_says(tmp_path: Path) -> None:
    assert cache_folder({"FTASK_CACHE_DIR": str(tmp_path)}) == tmp_path
    assert cache_folder({}).name == "ftask"
