"""uv and pip: which of them there is, how each installs for a platform, and with which package index."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ftask.core.errors import FtaskError
from ftask.deploy.install_errors import explain
from ftask.deploy.platforms import Platform, wheel_platforms
from ftask.deploy.requirements import Requirements
from ftask.distribution import NAME, missing_extra

Progress = Callable[[str], None]

LOCK_FILES = ("uv.lock", "pyproject.toml")
UV_EXTRA = "build"

# The settings of pip that uv has too.
_OPTIONS_OF_UV = {
    "index-url": "--index-url",
    "extra-index-url": "--extra-index-url",
    "find-links": "--find-links",
    "trusted-host": "--allow-insecure-host",
}
# pip takes the best version from all of its indexes. uv, without this, takes the first index that has the package.
_INDEXES_AS_PIP = ("--index-strategy", "unsafe-best-match")
# Who sets one of these has configured uv, so pip's settings do not count.
_INDEXES_OF_UV = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_NO_INDEX")
_LINES_KEPT = 200


Kind = Literal["uv", "pip"]
_KINDS: tuple[Kind, ...] = ("uv", "pip")


@dataclass(frozen=True, slots=True)
class Installer:
    """A tool that installs packages, and the command that runs it."""

    kind: Kind
    command: tuple[str, ...]


def _is_importable(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _find(
    kind: Kind,
    is_importable: Callable[[str], bool] = _is_importable,
    which: Callable[[str], str | None] = shutil.which,
) -> Installer | None:
    if is_importable(kind):
        return Installer(kind, (sys.executable, "-m", kind))
    path = which(kind)
    return Installer(kind, (path,)) if path else None


def find_installer(
    is_importable: Callable[[str], bool] = _is_importable, which: Callable[[str], str | None] = shutil.which
) -> Installer:
    """Return uv, else pip; each from the environment that runs ftask, else from the PATH.

    Raises:
        FtaskError: neither is installed.
    """
    for kind in _KINDS:
        if installer := _find(kind, is_importable, which):
            return installer
    raise FtaskError("Cannot install the requirements: neither uv nor pip is installed.", missing_extra(UV_EXTRA))


def install(
    installer: Installer, requirements: Requirements, folder: Path, platform: Platform, progress: Progress
) -> None:
    """Install the requirements into `folder`, as they are for `platform`; each line of output goes to `progress`.

    Raises:
        FtaskError: a requirement cannot be installed; the message names it.
    """
    if installer.kind == "uv":
        command = [*installer.command, *uv_arguments(folder, platform, requirements.file), *_index_of_pip(os.environ)]
    else:
        command = [*installer.command, *pip_arguments(folder, platform, requirements.file)]
    returned, lines = _run(command, requirements.folder, progress)
    if returned != 0:
        raise explain(lines, installer.kind, platform)


def uv_arguments(folder: Path, platform: Platform, file: Path) -> list[str]:
    """Return what uv is called with.

    The interpreter is the running one, so that none is looked for or downloaded. Files are copied: as hard links
    they would be those of uv's cache.
    """
    target = ["--python-version", platform.python]
    if platform.glibc is not None:
        major, minor = platform.glibc
        target += ["--python-platform", f"{platform.architecture}-manylinux_{major}_{minor}"]
    return [
        *("pip", "install", "--target", str(folder), "--python", sys.executable, *target),
        *("--only-binary", ":all:", "--link-mode", "copy", "--no-python-downloads", "--color", "never"),
        *("--requirement", str(file)),
    ]


def pip_arguments(folder: Path, platform: Platform, file: Path) -> list[str]:
    """Return what pip is called with. It still evaluates markers for this machine: https://github.com/pypa/pip/issues/6117."""
    target: list[str] = []
    if not platform.is_host:
        digits = platform.python.replace(".", "")
        target = ["--python-version", platform.python, "--implementation", "cp"]
        for abi in (f"cp{digits}", "abi3", "none"):
            target += ["--abi", abi]
        for name in wheel_platforms(platform):
            target += ["--platform", name]
    return [
        *("install", "--target", str(folder), *target, "--only-binary", ":all:", "--no-compile"),
        *("--no-input", "--disable-pip-version-check", "--no-color", "--progress-bar", "off"),
        *("--requirement", str(file)),
    ]


def export_lock(folder: Path, destination: Path, progress: Progress) -> None:
    """Write what uv.lock in `folder` pins to `destination`, as a requirements.txt without development groups.

    ftask itself is left out: the worker gets it from this installation.

    Raises:
        FtaskError: the lock is missing or unreadable, or uv is not installed.
    """
    if not (folder / "uv.lock").is_file():
        raise FtaskError(
            f"{folder} has a pyproject.toml and no uv.lock.",
            "Run: uv lock\nOr name a requirements.txt under [tasks] in ftask.toml.",
        )
    uv = _find("uv")
    if uv is None:
        raise FtaskError("Cannot read uv.lock: uv is not installed.", missing_extra(UV_EXTRA))
    returned, lines = _run(
        [
            *(*uv.command, "export", "--no-dev", "--no-emit-project", "--no-editable", "--frozen"),
            *("--prune", NAME, "--no-python-downloads", "--color", "never", "--quiet"),
            *("--output-file", str(destination)),
        ],
        folder,
        progress,
    )
    if returned != 0:
        raise FtaskError(f"uv cannot export {folder / 'uv.lock'}:\n" + "\n".join(lines), "Run: uv lock")


def options_of_pip(listing: str) -> list[str]:
    """Return what `pip config list` says about the package index, as options of uv."""
    settings: dict[str, str] = {}
    # As pip reads them: what is for all commands, for `install`, and of the environment, the later before the earlier.
    for scope in ("global.", "install.", ":env:."):
        for line in listing.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(scope):
                settings[name.removeprefix(scope)] = str(ast.literal_eval(value))
    options = [
        argument
        for name, option in _OPTIONS_OF_UV.items()
        for value in settings.get(name, "").split()
        for argument in (option, value)
    ]
    return [*options, *_INDEXES_AS_PIP] if "--extra-index-url" in options else options


def _index_of_pip(environment: Mapping[str, str]) -> list[str]:
    if any(environment.get(name) for name in _INDEXES_OF_UV):
        return []
    pip = _find("pip")
    if pip is None:
        return []
    listing = subprocess.run([*pip.command, "config", "list"], capture_output=True, text=True, check=False)  # noqa: S603
    return options_of_pip(listing.stdout) if listing.returncode == 0 else []


def _run(command: Sequence[str], folder: Path, progress: Progress) -> tuple[int, list[str]]:
    """Run a command in `folder`; return its exit code and the last lines of its output."""
    kept: deque[str] = deque(maxlen=_LINES_KEPT)
    with subprocess.Popen(  # noqa: S603 - the command is ours, and no shell reads it
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                kept.append(line.rstrip())
                progress(kept[-1])
        except BaseException:
            process.kill()
            raise
    return process.returncode, list(kept)
