"""uv: where it is, how it installs for a platform, from which package index, and why it could not."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ftask.core.errors import FtaskError
from ftask.deploy.platforms import Platform
from ftask.deploy.requirements import Requirements
from ftask.distribution import NAME, missing_extra

Progress = Callable[[str], None]

UV_EXTRA = "build"

# The settings of pip's index that uv has too. uv reads none of pip's, and so would ask another index than the team's,
# where a private package may have a stranger's namesake.
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
# uv's own lines have no colours here, and no interpreter is looked for or downloaded.
_PLAIN = ("--no-python-downloads", "--color", "never", "--preview-features", "pylock")

# Of uv's output, how many lines an error shows.
_TAIL = 12

_NAME = r"(?P<name>[A-Za-z0-9][\w.-]*(?:\[[\w,.-]+\])?(?:\s?[=<>!~]=?[^\s`,]+)*)"
# What uv says, what that means, and what to do: the first that matches counts.
_CAUSES = tuple(
    (re.compile(pattern, re.IGNORECASE), message, hint)
    for pattern, message, hint in (
        (
            (
                rf"(?:because|and) (?:all versions of )?{_NAME} (?:has|have) no "
                r"(?:usable wheels|wheels with a matching)|"
                rf"attempted to build `{_NAME.replace('P<name>', 'P<built>')}`"
            ),
            "{name} has no wheel for {platform}, and ftask builds no package of an index.",
            (
                "Choose a version that has one, or another package. If the package is your own, name its folder or its"
                " repository in the requirements, like ./lib: ftask then builds it."
            ),
        ),
        (
            (
                r"A path \((?P<name>[^)]+\.whl)\) dependency is incompatible with the current platform|"
                r"The built wheel `(?P<built>[^`]+)` is not compatible"
            ),
            "The wheel {name} is not for {platform}.",
            "Name a wheel that was built for that platform in the requirements, or one for every platform (none-any).",
        ),
        (
            rf"because {_NAME} was not found in",
            "The package index does not know {name}.",
            "Correct the name in the requirements. If the package is private, configure its index for uv.",
        ),
        (
            rf"because there (?:is|are) no versions? of {_NAME}",
            "The package index has no version that satisfies {name}.",
            "Correct the version in the requirements.",
        ),
        (
            (
                r"error sending request|failed to fetch|dns error|connection refused|timed out|"
                r"name or service not known|temporary failure in name resolution|network is unreachable|"
                r"could not connect|are you offline|"
                r"network was disabled"
            ),
            "Cannot reach the package index, so the requirements cannot be installed.",
            "Check the network, the proxy and the index that uv uses, then run the command again.",
        ),
        (
            r"requirements are unsatisfiable",
            "The requirements contradict each other.",
            "Loosen or correct one of the versions that the lines above name.",
        ),
        ("", "Cannot install the requirements.", "Correct what the lines above say, then run the command again."),
    )
)


def find_uv(
    is_importable: Callable[[str], bool] = lambda module: importlib.util.find_spec(module) is not None,
    which: Callable[[str], str | None] = shutil.which,
) -> tuple[str, ...]:
    """Return the command that runs uv: of the environment that runs ftask, else from the PATH.

    Raises:
        FtaskError: it is not installed.
    """
    if is_importable("uv"):
        return (sys.executable, "-m", "uv")
    if path := which("uv"):
        return (path,)
    raise FtaskError("Cannot install the requirements: uv is not installed.", missing_extra(UV_EXTRA))


def install(requirements: Requirements, folder: Path, platform: Platform, progress: Progress) -> None:
    """Install the requirements into `folder`, as they are for `platform`; each line of output goes to `progress`.

    Raises:
        FtaskError: a requirement cannot be installed; the message names it.
    """
    uv, indexes = find_uv(), _index_of_pip(os.environ)
    named = requirements.sources | _names(uv, requirements, platform, indexes)
    arguments = uv_arguments(requirements, folder, platform, named)
    returned, lines = _run([*uv, *arguments, *indexes], requirements.file.parent, progress)
    if returned != 0:
        raise explain(lines, platform)


def uv_arguments(requirements: Requirements, folder: Path, platform: Platform, sources: Iterable[str]) -> list[str]:
    """Return what uv is called with.

    Only `sources` are built, which the user named with their place: a package of an index runs nobody's code here.
    Files are copied: as hard links they would be those of uv's cache. uv looks again at everything, where it may: it
    would take a package of this machine, or of a repository, as it was at the first time.
    """
    renewed = [] if os.environ.get("UV_OFFLINE") else ["--refresh"]
    return [
        *("pip", "install", "--target", str(folder), *_target(platform), *_PLAIN),
        *("--only-binary", ":all:", *renewed),
        *(word for source in sorted(sources) for word in ("--no-binary", source)),
        *("--link-mode", "copy", "--requirement", str(requirements.file)),
    ]


def export_lock(lock: Path, project: Path, destination: Path, progress: Progress) -> None:
    """Write what `lock` pins for the package in `project` to `destination`, a pylock.toml, without groups.

    ftask itself is left out: the worker gets it from this installation.

    Raises:
        FtaskError: the lock is unreadable, or uv is not installed.
    """
    returned, lines = _run(
        [
            *(*find_uv(), "export", "--format", "pylock.toml", "--no-default-groups", "--no-emit-project"),
            *("--no-editable", "--frozen", "--prune", NAME, *_PLAIN, "--quiet", "--output-file", str(destination)),
        ],
        project,
        progress,
    )
    if returned != 0:
        raise FtaskError(f"uv cannot export {lock}:\n" + "\n".join(lines), "Run: uv lock")


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
    has_pip = importlib.util.find_spec("pip") is not None
    pip = (sys.executable, "-m", "pip") if has_pip else (shutil.which("pip") or "",)
    if not pip[0]:
        return []
    listing = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False)  # noqa: S603
    return options_of_pip(listing.stdout) if listing.returncode == 0 else []


def _names(uv: Sequence[str], requirements: Requirements, platform: Platform, indexes: Sequence[str]) -> frozenset[str]:
    """Return the names of the packages that the requirements give by their place alone."""
    if not requirements.unnamed:
        return frozenset()
    command = [*uv, "pip", "compile", "-", "--no-deps", "--format", "pylock.toml", *_target(platform), *_PLAIN]
    asked = subprocess.run(  # noqa: S603 - the command is ours, and no shell reads it
        [*command, *indexes],
        cwd=requirements.file.parent,
        input="\n".join(requirements.unnamed),
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode != 0:
        raise explain(asked.stderr.splitlines(), platform)
    return frozenset(package["name"] for package in tomllib.loads(asked.stdout).get("packages", []))


def _target(platform: Platform) -> list[str]:
    target = ["--python", sys.executable, "--python-version", platform.python]
    if platform.glibc is not None:
        major, minor = platform.glibc
        target += ["--python-platform", f"{platform.architecture}-manylinux_{major}_{minor}"]
    return target


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


def explain(lines: Sequence[str], platform: Platform) -> FtaskError:
    """Return the error for a failed installation for `platform`; it ends with uv's last lines, which are `lines`."""
    # uv wraps its sentences.
    text = " ".join(" ".join(lines).split())
    tail = [line for line in lines if line.strip()][-_TAIL:]
    pattern, message, hint = next(cause for cause in _CAUSES if cause[0].search(text))
    names = list(dict.fromkeys(str(match[match.lastgroup or 0]) for match in pattern.finditer(text)))
    # Of several ranges of versions, what they have in common is the package.
    name = names[0] if len(names) == 1 else re.split(r"[\s=<>!~]", names[0])[0]
    message = message.format(name=name, platform=platform)
    return FtaskError("\n".join([message, "The last lines of uv:", *(f"  {line}" for line in tail)]), hint)
