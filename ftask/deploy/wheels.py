"""What an installation must hold: wheels that run on the platform, and exactly what the requirements ask for there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import Distribution

from packaging.requirements import Requirement
from packaging.tags import Tag, parse_tag
from packaging.utils import NormalizedName, canonicalize_name

from ftask.core.errors import FtaskError
from ftask.deploy.installers import UV_EXTRA
from ftask.deploy.platforms import Platform, marker_environment, supported_tags
from ftask.distribution import missing_extra


def wheel_tags(distribution: Distribution) -> frozenset[Tag]:
    """Return the tags of the wheel that a distribution was installed from."""
    lines = (distribution.read_text("WHEEL") or "").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("Tag:")]
    return frozenset(tag for name in names for tag in parse_tag(name))


def is_pure(distribution: Distribution) -> bool:
    """Return whether a distribution runs on every platform."""
    return any(tag.platform == "any" and tag.abi == "none" for tag in wheel_tags(distribution))


def require_wheels_for(platform: Platform, distributions: Iterable[Distribution]) -> None:
    """Refuse what would fail on the platform, for example a wheel that was built on this machine.

    Raises:
        FtaskError: a wheel is for another platform.
    """
    supported = supported_tags(platform)
    for distribution in distributions:
        tags = wheel_tags(distribution)
        if not tags & supported:
            shown = ", ".join(sorted(str(tag) for tag in tags)) or "without tags"
            raise FtaskError(
                f"The wheel of {distribution.name} {distribution.version} does not run on {platform}: {shown}.",
                "Choose a version that has a wheel for it, or build one there.",
            )


def require_complete(
    platform: Platform, roots: Sequence[Requirement] | None, distributions: Iterable[Distribution]
) -> None:
    """Refuse an installation that has more or less than `roots` ask for on the platform.

    For pip, which evaluates markers for the machine that it runs on: what another platform needs may be missing, and
    what it does not need may have been installed.

    Raises:
        FtaskError: a requirement is missing, of another version or superfluous, or cannot be checked.
    """
    hint = f"pip evaluates the markers of requirements for this machine; uv does it for {platform}."
    hint = f"{hint}\n{missing_extra(UV_EXTRA)}"
    if roots is None:
        raise FtaskError(
            f"Cannot check that pip's installation is complete for {platform}: the requirements name a path.", hint
        )
    installed = {canonicalize_name(distribution.name): distribution for distribution in distributions}
    needed = _walk(platform, roots, installed, hint)
    if superfluous := sorted(installed.keys() - needed):
        raise FtaskError(
            f"The installation by pip has what nothing requires on {platform}: {', '.join(superfluous)}.", hint
        )


def _walk(
    platform: Platform, roots: Sequence[Requirement], installed: Mapping[NormalizedName, Distribution], hint: str
) -> set[NormalizedName]:
    """Return the names of what the roots require, directly or not."""
    environment = marker_environment(platform)
    waiting = [(root, "the requirements", frozenset({""})) for root in roots]
    seen: set[tuple[NormalizedName, str]] = set()
    while waiting:
        requirement, required_by, extras = waiting.pop()
        if requirement.marker is not None and not any(
            requirement.marker.evaluate(environment | {"extra": extra}) for extra in extras
        ):
            continue
        name = canonicalize_name(requirement.name)
        distribution = installed.get(name)
        if distribution is None or not requirement.specifier.contains(distribution.version, prereleases=True):
            state = "missing" if distribution is None else f"of version {distribution.version}"
            raise FtaskError(
                f"pip's installation does not fit {platform}: {requirement}, required by {required_by}, is {state}.",
                hint,
            )
        of_it = frozenset({"", *requirement.extras})
        if new := {(name, extra) for extra in of_it} - seen:
            seen |= new
            waiting += [(Requirement(line), distribution.name, of_it) for line in distribution.requires or ()]
    return {name for name, _ in seen}
