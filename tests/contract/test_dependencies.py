"""Builds by the real uv, from packages that the test makes; no index is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Sequence
from importlib.metadata import distributions
from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.archive import Content, Interpreter, find_interpreter, write_zip
from ftask.deploy.dependencies import KEPT_UNUSED_DAYS, Build, build_dependencies
from ftask.deploy.installers import find_uv
from ftask.deploy.platforms import LAMBDA, Platform, host_platform
from ftask.home.cache import cache_folder
from tests.support.wheels import make_wheel

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
        self,
        platform: Platform = LAMBDA,
        interpreter: Interpreter | None = None,
        *,
        upgrade: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> Build:
        self.lines.clear()
        return build_dependencies(
            self.file,
            platform,
            self.cache,
            interpreter=interpreter,
            upgrade=upgrade,
            progress=self.lines.append,
            clock=clock,
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    # Configured so, uv does not take pip's index, and pip does not have to be asked each time.
    monkeypatch.setenv("UV_FIND_LINKS", str(place.wheels))
    return place


def entries(build: Build) -> Sequence[str]:
    return [entry.name for entry in build.entries]


def test_a_build_holds_what_the_platform_needs(place: Place) -> None:
    make_wheel(place.wheels, "native", tag=NATIVE)
    make_wheel(place.wheels, "native", tag="cp311-cp311-manylinux_2_28_x86_64")
    make_wheel(place.wheels, "pure", requires=["native"])
    place.require("pure", 'nowhere; python_version < "3.11"', 'windows; sys_platform == "win32"')
    build = place.build()
    assert build.versions == {"native": "1.0", "pure": "1.0"}
    assert not build.is_pure
    (native,) = distributions(name="native", path=[str(build.folder)])
    assert f"Tag: {NATIVE}" in (native.read_text("WHEEL") or "")
    assert any(f"pure{separator}1.0" in line for line in place.lines for separator in ("==", "-"))


def test_a_build_keeps_nothing_that_differs_from_run_to_run(place: Place) -> None:
    program = {"pure.py": "", "pure-1.0.data/scripts/pure-command": "#!python\n", "__pycache__/pure.pyc": ""}
    make_wheel(place.wheels, "pure", files=program)
    place.require("pure")
    build = place.build()
    assert entries(build) == ["pure-1.0.dist-info/METADATA", "pure-1.0.dist-info/WHEEL", "pure.py"]
    shutil.rmtree(place.cache)
    again = place.build()
    assert Content.of(again.entries).key == Content.of(build.entries).key


def test_the_local_stage_gets_the_wheels_of_this_machine(place: Place) -> None:
    make_wheel(place.wheels, "native", tag=NATIVE)
    make_wheel(place.wheels, "pure")
    place.require("pure")
    assert place.build(HOST).versions == {"pure": "1.0"}
    place.require("native")
    with pytest.raises(FtaskError, match="native"):
        place.build(HOST)


def test_a_package_without_a_wheel_for_the_platform_is_named(place: Place) -> None:
    make_wheel(place.wheels, "native", tag="cp311-cp311-manylinux_2_28_x86_64")
    place.require("native")
    with pytest.raises(FtaskError, match=r"wheel of native|native.* has no wheel") as caught:
        place.build()
    assert "Python 3.13 on Linux aarch64" in caught.value.message


def test_an_unknown_package_and_a_conflict_are_named(place: Place) -> None:
    place.require("nosuchthing")
    with pytest.raises(FtaskError, match="nosuchthing"):
        place.build()
    make_wheel(place.wheels, "a", requires=["c<2"])
    make_wheel(place.wheels, "b", requires=["c>=2"])
    make_wheel(place.wheels, "c", "1.0")
    make_wheel(place.wheels, "c", "2.0")
    place.require("a", "b")
    with pytest.raises(FtaskError, match="contradict each other"):
        place.build()


def test_without_a_network_it_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    place.file.write_text("a-package-that-no-cache-has\n")
    with pytest.raises(FtaskError, match="Cannot reach the package index"):
        place.build()


def test_requirements_that_ask_for_nothing_on_the_platform_are_an_empty_build(place: Place) -> None:
    place.file.write_text('# nothing\nwindows; sys_platform == "win32"\n')
    assert place.build().entries == ()


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


def test_a_wheel_that_was_built_again_under_its_version_is_taken(place: Place) -> None:
    make_wheel(place.wheels, "pure", files={"pure.py": "A = 1\n"})
    place.require("pure")
    first = place.build().folder / "pure.py"
    assert first.read_text() == "A = 1\n"
    make_wheel(place.wheels, "pure", files={"pure.py": "A = 2\n"})
    assert (place.build().folder / "pure.py").read_text() == "A = 2\n"


def test_a_constraint_from_the_environment_counts(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wheel(place.wheels, "pure", "1.0")
    make_wheel(place.wheels, "pure", "2.0")
    place.require("pure")
    assert place.build().versions == {"pure": "2.0"}
    limits = place.file.with_name("limits.txt")
    limits.write_text("pure<2\n")
    monkeypatch.setenv("UV_CONSTRAINT", str(limits))
    assert place.build().versions == {"pure": "1.0"}


def test_old_dependencies_are_said_to_be_old_and_renewed_when_asked(place: Place) -> None:
    make_wheel(place.wheels, "pure")
    place.require("pure")
    first = place.build()
    place.build(clock=lambda: first.installed_at + 86_000)
    assert place.lines == []
    later = first.installed_at + 3 * 86_400
    place.build(clock=lambda: later)
    assert place.lines == [
        "The dependencies were installed 3 days ago. For newer versions that requirements.txt allows, add: --upgrade"
    ]
    assert place.build(upgrade=True, clock=lambda: later).installed_at == later


def write_package(folder: Path, name: str, text: str, requires: str = "") -> None:
    """Write a package that brings its own build backend, so that none is downloaded."""
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.0"\ndependencies = [{requires}]\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    (folder / f"{name}.py").write_text(text)
    lines = [f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"]
    lines += [f"Requires-Dist: {required}\n" for required in requires.replace('"', "").split(",") if required]
    (folder / "backend.py").write_text(
        "import pathlib, zipfile\n"
        "def build_wheel(to, settings=None, metadata=None):\n"
        f"    tag = pathlib.Path('tag').read_text() if pathlib.Path('tag').exists() else 'py3-none-any'\n"
        f"    name = f'{name}-1.0-{{tag}}.whl'\n"
        f"    files = {{'{name}.py': pathlib.Path('{name}.py').read_text(),\n"
        f"             '{name}-1.0.dist-info/METADATA': {''.join(lines)!r},\n"
        f"             '{name}-1.0.dist-info/WHEEL': f'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: {{tag}}\\n',\n"
        f"             '{name}-1.0.dist-info/RECORD': ''}}\n"
        "    with zipfile.ZipFile(pathlib.Path(to, name), 'w') as wheel:\n"
        "        for path, text in files.items(): wheel.writestr(path, text)\n"
        "    return name\n"
    )


@pytest.mark.parametrize("line", ["./lib", "lib @ ./lib", "lib @ file://{folder}/lib", "lib @ git+file://{folder}/lib"])
def test_a_package_of_the_users_own_is_built_here(place: Place, line: str) -> None:
    make_wheel(place.wheels, "needed")
    lib = place.file.with_name("lib")
    write_package(lib, "lib", "A = 1\n", '"needed"')
    if "git+" in line:
        git(lib, "init", "--quiet")
        git(lib, "add", ".")
        git(lib, "commit", "--quiet", "--message", "one")
    place.require(line.format(folder=place.file.parent))
    build = place.build()
    assert build.versions == {"lib": "1.0", "needed": "1.0"}
    (lib / "lib.py").write_text("A = 2\n")
    if "git+" in line:
        git(lib, "commit", "--quiet", "--all", "--message", "two")
        assert (place.build().folder / "lib.py").read_text() == "A = 1\n"
    assert (place.build(upgrade="git+" in line).folder / "lib.py").read_text() == "A = 2\n"


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    subprocess.run([shutil.which("git") or "git", *who, *arguments], cwd=folder, check=True)


def test_a_package_that_compiles_for_this_machine_alone_is_refused(place: Place) -> None:
    lib = place.file.with_name("lib")
    write_package(lib, "lib", "")
    (lib / "tag").write_text("cp311-cp311-linux_x86_64")
    place.require("./lib")
    with pytest.raises(FtaskError, match=r"The wheel lib-1\.0-cp311\S* is not for Python 3\.13 on Linux aarch64"):
        place.build()


def test_a_package_of_an_index_is_never_built(place: Place) -> None:
    write_package(place.file.with_name("lib"), "lib", "")
    with tarfile.open(place.wheels / "lib-1.0.tar.gz", "w:gz") as archive:
        archive.add(place.file.with_name("lib"), "lib-1.0")
    place.require("lib")
    with pytest.raises(FtaskError, match=r"lib==1\.0 has no wheel for") as caught:
        place.build()
    assert "pip" not in (caught.value.hint or "")


def test_a_workspace_is_built_from_its_lock_without_groups(place: Place) -> None:
    root = place.file.parent
    make_wheel(place.wheels, "needed")
    make_wheel(place.wheels, "linter")
    (root / "pyproject.toml").write_text(
        '[tool.uv]\nno-index = true\nfind-links = ["wheels"]\n[tool.uv.workspace]\nmembers = ["worker", "lib"]\n'
    )
    write_package(root / "worker", "worker", "", '"lib","needed"')
    write_package(root / "lib", "lib", "A = 1\n")
    with (root / "worker" / "pyproject.toml").open("a") as file:
        file.write('[dependency-groups]\nlint = ["linter"]\n[tool.uv]\ndefault-groups = ["lint"]\n')
        file.write("[tool.uv.sources]\nlib = { workspace = true }\n")
    place.file = root / "worker" / "pyproject.toml"
    with pytest.raises(FtaskError, match=r"no uv\.lock"):
        place.build()
    subprocess.run([*find_uv(), "lock", "--quiet", "--offline", "--python", sys.executable], cwd=root, check=True)
    build = place.build()
    assert build.versions == {"lib": "1.0", "needed": "1.0"}
    (root / "lib" / "lib.py").write_text("A = 2\n")
    assert (place.build().folder / "lib.py").read_text() == "A = 2\n"
    with pytest.raises(FtaskError, match="--upgrade has no effect"):
        place.build(upgrade=True)
    exported = root / "pylock.toml"
    command = [
        *find_uv(),
        "export",
        "--quiet",
        "--no-default-groups",
        "--no-emit-project",
        "--output-file",
        str(exported),
    ]
    place.file = exported
    subprocess.run(command, cwd=root / "worker", check=True)
    with pytest.raises(FtaskError, match="lib as an editable package"):
        place.build()
    subprocess.run([*command, "--no-editable"], cwd=root / "worker", check=True)
    assert place.build().versions == build.versions
    exported.write_text("packages = 1\n")
    with pytest.raises(FtaskError, match=r"is not a pylock\.toml"):
        place.build()


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
        builds.append(build_dependencies(place.file, LAMBDA, place.cache, progress=lines.append))

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
