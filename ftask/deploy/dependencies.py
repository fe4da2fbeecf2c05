"""A project's dependencies, installed for the platform that they will run on, and kept in a cache.

A build is kept under the hash of what it is made from, so an unchanged project installs nothing. A build is made in
a temporary folder and renamed when it is complete, so an interrupted one is never used.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ftask.core.errors import FtaskError
from ftask.core.text import plural
from ftask.deploy.archive import MAX_UNZIPPED_BYTES, Content, Entry, Interpreter, compile_folder, file_entry, write_zip
from ftask.deploy.installers import Progress, export_lock, install
from ftask.deploy.platforms import Platform
from ftask.deploy.requirements import Requirements, find_lock, read_pylock, read_requirements, settings_of_uv

KEPT_UNUSED_DAYS = 30

# Part of each key: a change of how builds are made or stored makes the builds of before unused.
_FORMAT = 3
_DAY_SECONDS = 86_400
# What an installer records differs from one machine and one run to the next.
_RECORDS = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
# Commands of packages, made for this machine's Python, and uv's lock.
_NOT_IMPORTED = ("bin", "Scripts", ".lock")


@dataclass(frozen=True, slots=True)
class Build:
    """Installed dependencies.

    `folder` is what goes onto `sys.path`, `compressed` a zip of it, `entries` what an archive takes from it.
    `versions` maps each distribution to its version; `is_pure` says whether all of them run on every platform, and
    `installed_at` when that was, in seconds since 1970.
    """

    platform: Platform
    folder: Path
    compressed: Path
    entries: tuple[Entry, ...]
    versions: Mapping[str, str]
    is_pure: bool
    installed_at: float


def build_dependencies(
    file: Path,
    platform: Platform,
    cache: Path,
    *,
    interpreter: Interpreter | None = None,
    upgrade: bool = False,
    progress: Progress = lambda line: None,
    clock: Callable[[], float] = time.time,
) -> Build:
    """Return the dependencies that a file asks for, from the cache if it has them.

    `file` is a requirements.txt or pylock.toml; or uv.lock or pyproject.toml, of which uv.lock counts. `interpreter`
    compiles them; without it they have no bytecode. With `upgrade` the newest versions are installed that the file
    allows, also where the cache has others. `clock` returns seconds since 1970.

    Raises:
        FtaskError: a requirement is invalid or cannot be installed for the platform.
    """
    root = cache / "dependencies"
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="making-", dir=root) as name:
        making = Path(name)
        requirements = _read(file.absolute(), making, progress)
        if upgrade and requirements.is_locked:
            raise FtaskError(
                f"{file.name} fixes the versions of the dependencies, so --upgrade has no effect.",
                "Upgrade the lock, for example with: uv lock --upgrade",
            )
        facts = [_FORMAT, requirements.fingerprint, str(platform), platform.glibc]
        facts += [interpreter and interpreter.version, settings_of_uv(requirements.file.parent, os.environ)]
        place = root / hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        with _only_one_at_a_time(place, progress):
            build = None if upgrade else _load(place, platform)
            if build is None:
                _make(making / "build", requirements, platform, interpreter, progress, clock())
                shutil.rmtree(place, ignore_errors=True)
                (making / "build").rename(place)
                _forget_unused(root, clock())
                build = _load(place, platform)
            elif not requirements.is_locked and (days := int((clock() - build.installed_at) // _DAY_SECONDS)) > 0:
                progress(
                    f"The dependencies were installed {plural(days, 'day')} ago. For newer versions that"
                    f" {file.name} allows, add: --upgrade"
                )
            if build is None:
                raise FtaskError(f"Something changed the new build in {place}.", "Run the command again.")
            os.utime(place)
            return build


def _read(file: Path, making: Path, progress: Progress) -> Requirements:
    if lock := find_lock(file):
        exported = making / "pylock.toml"
        export_lock(lock, file.parent, exported, progress)
        return read_pylock(exported)
    return read_pylock(file) if file.suffix == ".toml" else read_requirements(file)


def _make(
    folder: Path,
    requirements: Requirements,
    platform: Platform,
    interpreter: Interpreter | None,
    progress: Progress,
    now: float,
) -> None:
    packages = folder / "packages"
    packages.mkdir(parents=True)
    if requirements.names or requirements.unnamed:
        progress(f"Installing the dependencies for {platform}")
        install(requirements, packages, platform, progress)
    installed = _installed(packages)
    _clean(packages)
    if interpreter is not None and installed:
        progress("Compiling the dependencies")
        compile_folder(packages, interpreter, processes=0)
    entries = _scan(packages)
    if sum(entry.size for entry in entries) > MAX_UNZIPPED_BYTES:
        _remove_bytecode(packages)  # an archive without it may still be small enough
        entries = _scan(packages)
    content = Content.of(entries)
    write_zip(content, folder / "packages.zip")
    record = {
        "versions": {distribution.name: distribution.version for distribution in installed},
        "pure": all(map(_is_pure, installed)),
        "installed": now,
        "key": content.key,
        "zip": file_entry("", folder / "packages.zip").digest,
    }
    (folder / "build.json").write_text(json.dumps(record), encoding="utf-8")


def _load(place: Path, platform: Platform) -> Build | None:
    """Return the build that is kept at `place`; None if it is missing or damaged."""
    packages, compressed = place / "packages", place / "packages.zip"
    try:
        record: dict[str, Any] = json.loads((place / "build.json").read_text(encoding="utf-8"))
        content = Content.of(_scan(packages))
        is_intact = record["key"] == content.key and record["zip"] == file_entry("", compressed).digest
        versions, pure, installed_at = record["versions"], record["pure"], record["installed"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Build(platform, packages, compressed, content.entries, versions, pure, installed_at) if is_intact else None


def _scan(packages: Path) -> list[Entry]:
    return [
        file_entry(path.relative_to(packages).as_posix(), path)
        for path in sorted(packages.rglob("*"))
        if path.is_file()
    ]


def _installed(packages: Path) -> list[Distribution]:
    return sorted(distributions(path=[str(packages)]), key=lambda distribution: distribution.name.lower())


def _is_pure(distribution: Distribution) -> bool:
    """Return whether a distribution runs on every platform, by the tags of its wheel."""
    lines = (distribution.read_text("WHEEL") or "").splitlines()
    return any(line.startswith("Tag:") and line.endswith("-none-any") for line in lines)


def _clean(packages: Path) -> None:
    """Remove what is not imported, and what would make two builds differ."""
    for name in _NOT_IMPORTED:
        path = packages / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    _remove_bytecode(packages)
    for information in packages.glob("*.dist-info"):
        for name in _RECORDS:
            (information / name).unlink(missing_ok=True)


def _remove_bytecode(packages: Path) -> None:
    for cached in list(packages.rglob("__pycache__")):
        shutil.rmtree(cached)


@contextmanager
def _only_one_at_a_time(place: Path, progress: Progress) -> Iterator[None]:
    """Wait until no other ftask makes the same build."""
    lock = FileLock(place.with_suffix(".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress("Another ftask installs the same dependencies; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _forget_unused(root: Path, now: float) -> None:
    """Delete the builds that nothing has used for a while."""
    for place in root.iterdir():
        if place.is_dir() and place.stat().st_mtime < now - KEPT_UNUSED_DAYS * 86_400:
            shutil.rmtree(place, ignore_errors=True)
            place.with_suffix(".lock").unlink(missing_ok=True)
