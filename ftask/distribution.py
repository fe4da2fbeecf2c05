"""The distribution that this package is installed from, and the other product that has the same import name.

`ftask` on PyPI is a stranger's project with the command `ftask` and the package `ftask`. Installed into one
environment, the two overwrite each other's files, and pip does not object.
"""

from __future__ import annotations

from collections.abc import Callable

NAME = "ftask-aws"
NAMESAKE = "ftask"


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution; None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def namesake_warning(version_of: Callable[[str], str | None] = installed_version) -> str | None:
    """Return why this environment is unsound; None if the other product is not installed in it."""
    version = version_of(NAMESAKE)
    if version is None:
        return None
    return (
        f"The package {NAMESAKE} {version} is installed in this environment too. It is another product, and it"
        f" overwrites files of {NAME}."
    )


def missing_extra(extra: str, version_of: Callable[[str], str | None] = installed_version) -> str:
    """Return what to do where a library of `extra` is not installed."""
    requirement = f'"{NAME}[{extra}]"'
    warning = namesake_warning(version_of)
    if warning is None:
        return f"Install it with: pip install {requirement}"
    return f"{warning} Remove both with: pip uninstall {NAMESAKE} {NAME}. Then install {requirement} again."
