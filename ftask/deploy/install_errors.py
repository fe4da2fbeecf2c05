"""Why uv could not install something, from what it prints, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ftask.core.errors import FtaskError
from ftask.deploy.platforms import Platform

# Of uv's output, how many lines an error shows.
_TAIL = 12

_NAME = r"(?P<name>[A-Za-z0-9][\w.-]*(?:\[[\w,.-]+\])?(?:\s?[=<>!~]=?[^\s`,]+)*)"
_NO_NETWORK = re.compile(
    r"error sending request|failed to fetch|dns error|connection refused|timed out|name or service not known|"
    r"temporary failure in name resolution|network is unreachable|could not connect|are you offline|"
    r"network was disabled",
    re.IGNORECASE,
)
_NO_WHEEL = re.compile(
    rf"(?:because|and) (?:all versions of )?{_NAME} (?:has|have) no (?:usable wheels|wheels with a matching)|"
    rf"attempted to build `{_NAME.replace('P<name>', 'P<built>')}`",
    re.IGNORECASE,
)
_WRONG_WHEEL = re.compile(
    r"A path \((?P<path>[^)]+\.whl)\) dependency is incompatible with the current platform|"
    r"The built wheel `(?P<built>[^`]+)` is not compatible"
)
_UNKNOWN = re.compile(rf"because {_NAME} was not found in", re.I)
_NO_VERSION = re.compile(rf"because there (?:is|are) no versions? of {_NAME}", re.I)
_CONFLICT = re.compile(r"requirements are unsatisfiable", re.I)


def explain(lines: Sequence[str], platform: Platform) -> FtaskError:
    """Return the error for a failed installation for `platform`; it ends with uv's last lines, which are `lines`."""
    # uv wraps its sentences.
    text = " ".join(" ".join(lines).split())
    message, hint = _cause(text, platform)
    tail = [line for line in lines if line.strip()][-_TAIL:]
    return FtaskError("\n".join([message, "The last lines of uv:", *(f"  {line}" for line in tail)]), hint)


def _cause(text: str, platform: Platform) -> tuple[str, str]:
    if lacking := [match["name"] or match["built"] for match in _NO_WHEEL.finditer(text)]:
        return _no_wheel(lacking, platform)
    if match := _WRONG_WHEEL.search(text):
        return (
            f"The wheel {match['path'] or match['built']} is not for {platform}.",
            "Name a wheel that was built for that platform in the requirements, or one for every platform (none-any).",
        )
    if match := _UNKNOWN.search(text):
        return (
            f"The package index does not know {match['name']}.",
            "Correct the name in the requirements. If the package is private, configure its index for uv.",
        )
    if match := _NO_VERSION.search(text):
        return (
            f"The package index has no version that satisfies {match['name']}.",
            "Correct the version in the requirements.",
        )
    if _NO_NETWORK.search(text):
        return (
            "Cannot reach the package index, so the requirements cannot be installed.",
            "Check the network, the proxy and the index that uv uses, then run the command again.",
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
    hint = "Choose a version that has one, or another package. If the package is your own, name its folder or its"
    hint += " repository in the requirements, like ./lib: ftask then builds it."
    return f"{name} has no wheel for {platform}, and ftask builds no package of an index.", hint
