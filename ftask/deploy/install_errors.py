"""Why uv or pip could not install something, from what they print, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ftask.core.errors import FtaskError
from ftask.deploy.platforms import Platform

# Of a failed tool's output, how many lines an error shows.
_TAIL = 12

_NAME = r"(?P<name>[A-Za-z0-9][\w.-]*(?:\[[\w,.-]+\])?(?:\s?[=<>!~]=?[^\s`,]+)*)"
_NO_NETWORK = re.compile(
    r"error sending request|failed to fetch|dns error|connection refused|timed out|NewConnectionError|"
    r"failed to establish a new connection|name or service not known|temporary failure in name resolution|"
    r"network is unreachable|could not connect|are you offline|network was disabled",
    re.IGNORECASE,
)
_NO_WHEEL = re.compile(
    rf"(?:because|and) (?:all versions of )?{_NAME} (?:has|have) no (?:usable wheels|wheels with a matching)|"
    rf"attempted to build `{_NAME.replace('P<name>', 'P<built>')}`",
    re.IGNORECASE,
)
_WRONG_WHEEL = re.compile(r"A path \((?P<path>[^)]+\.whl)\) dependency is incompatible with the current platform")
_UNKNOWN = re.compile(rf"because {_NAME} was not found in", re.I)
_NO_VERSION = re.compile(rf"because there (?:is|are) no versions? of {_NAME}", re.I)
_NOTHING_FITS = re.compile(rf"no matching distribution found for {_NAME}", re.I)
_CONFLICT = re.compile(r"requirements are unsatisfiable|ResolutionImpossible|conflicting dependencies", re.I)


def explain(lines: Sequence[str], kind: str, platform: Platform) -> FtaskError:
    """Return the error for a failed installation; it ends with the tool's last lines.

    Args:
        lines: the output.
        kind: the tool, uv or pip.
        platform: what was installed for.
    """
    # uv wraps its sentences.
    text = " ".join(" ".join(lines).split())
    message, hint = _cause(text, platform)
    tail = [line for line in lines if line.strip()][-_TAIL:]
    return FtaskError("\n".join([message, f"The last lines of {kind}:", *(f"  {line}" for line in tail)]), hint)


def _cause(text: str, platform: Platform) -> tuple[str, str]:
    if lacking := [match["name"] or match["built"] for match in _NO_WHEEL.finditer(text)]:
        return _no_wheel(lacking, platform)
    if match := _WRONG_WHEEL.search(text):
        return (
            f"The wheel {match['path']} is not for {platform}.",
            "Name the wheel of that platform in the requirements, or one for every platform (none-any).",
        )
    if match := _UNKNOWN.search(text):
        return (
            f"The package index does not know {match['name']}.",
            "Correct the name in the requirements. If the package is private, configure its index for uv or pip.",
        )
    if match := _NO_VERSION.search(text):
        return (
            f"The package index has no version that satisfies {match['name']}.",
            "Correct the version in the requirements.",
        )
    if _NO_NETWORK.search(text):
        return (
            "Cannot reach the package index, so the requirements cannot be installed.",
            "Check the network, the proxy and the index that uv or pip uses, then run the command again.",
        )
    if match := _NOTHING_FITS.search(text):
        return (
            f"The package index has no wheel of {match['name']} for {platform}, or does not know it.",
            f"Check the name and the version. {_build_a_wheel(match['name'])}",
        )
    if _CONFLICT.search(text):
        return (
            "The requirements contradict each other.",
            "Loosen or correct one of the versions that the lines above name.",
        )
    return "Cannot install the requirements.", "Correct what the lines above say, then run the command again."


def _no_wheel(lacking: Sequence[str], platform: Platform) -> tuple[str, str]:
    # Of several ranges of versions that lack a wheel each, what they have in common is the package.
    name = lacking[0] if len(lacking) == 1 else re.split(r"[\s=<>!~]", lacking[0])[0]
    return (
        f"{name} has no wheel for {platform}, and ftask does not build packages from source.",
        f"Choose a version that has one, or another package. {_build_a_wheel(name)}",
    )


def _build_a_wheel(name: str) -> str:
    return (
        "If it has no compiled parts, build its wheel once, and add `--find-links wheels` to the requirements:\n"
        f"pip wheel --no-deps --wheel-dir wheels '{name}'"
    )
