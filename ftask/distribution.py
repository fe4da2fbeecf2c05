"""The distribution that this package is installed from, and the other product that has the same import name.

`ftask` on PyPI is a stranger's project with the command `ftask` and the package `ftask`. Installed into one
environment, the two overwrite each other's files, and pip does not object.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from ftask import __version__

NAME = "ftask-aws"
NAMESAKE = "ftask"
# A distribution that overwrites the package leaves its own record in this folder.
SITE = Path(__file__).parents[1]


def namesake_version(site: Path = SITE) -> str | None:
    """Return the version of the other product if it is installed in `site`, else None."""
    records = [record.name.removesuffix(".dist-info") for record in site.glob(f"{NAMESAKE}-*.dist-info")]
    return records[0].removeprefix(f"{NAMESAKE}-") if records else None


def namesake_warning(site: Path = SITE) -> str | None:
    """Return what is wrong with the environment; None if the other product is not installed in it."""
    version = namesake_version(site)
    if version is None:
        return None
    return (
        f"The package {NAMESAKE} {version} is installed in this environment too. It is another product, and it"
        f" overwrites files of {NAME}."
    )


def own_version(site: Path = SITE) -> str:
    """Return the version of ftask-aws, also where the other product overwrote the file that holds it."""
    if namesake_version(site) is None:
        return __version__
    return version(NAME)


def missing_extra(extra: str, site: Path = SITE) -> str:
    """Return what to do where a library of `extra` is not installed."""
    requirement = f'"{NAME}[{extra}]"'
    warning = namesake_warning(site)
    if warning is None:
        return f"Install it with: pip install {requirement}"
    return f"{warning} Remove both with: pip uninstall {NAMESAKE} {NAME}. Then install {requirement} again."
