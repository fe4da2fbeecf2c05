"""What an installation must hold: wheels that run on the platform."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import Distribution

from packaging.tags import Tag, parse_tag

from ftask.core.errors import FtaskError
from ftask.deploy.platforms import Platform, supported_tags


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
                "Choose a version that has a wheel for it. Of a package of your own with compiled parts, name a wheel"
                " that was built there.",
            )
