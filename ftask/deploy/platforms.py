"""The platforms that dependencies are built for: AWS Lambda's, and this machine's."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ftask.core.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Platform:
    """Where dependencies will run.

    `python` is a version like "3.13"; `architecture` Linux's name, like "aarch64". `glibc` is the version that is
    there, like (2, 34); None stands for this machine, with the Python that runs ftask.
    """

    python: str
    architecture: str
    glibc: tuple[int, int] | None

    @property
    def is_host(self) -> bool:
        return self.glibc is None

    def __str__(self) -> str:
        where = f"this machine ({self.architecture})" if self.glibc is None else f"Linux {self.architecture}"
        return f"Python {self.python} on {where}"


# The runtime of the functions in stack/template.yaml: Amazon Linux 2023 has glibc 2.34.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
LAMBDA = Platform("3.13", "aarch64", (2, 34))
# The versions that PythonVersion may have. No test has run under 3.14 yet, so 3.13 is the default.
PYTHON_VERSIONS = (LAMBDA.python, "3.14")


def lambda_platform(parameters: Mapping[str, str]) -> Platform:
    """Return the platform of the functions of a stage with these parameters.

    Raises:
        InvalidInputError: PythonVersion is not one that the functions run on.
    """
    version = parameters.get("PythonVersion", LAMBDA.python)
    if version not in PYTHON_VERSIONS:
        raise InvalidInputError(
            f"Invalid PythonVersion {version!r}.",
            f"Set it with: --param PythonVersion=VERSION, one of {', '.join(PYTHON_VERSIONS)}.",
        )
    return replace(LAMBDA, python=version)


def host_platform() -> Platform:
    """Return the platform of this machine and of the Python that runs."""
    return Platform(f"{sys.version_info.major}.{sys.version_info.minor}", sysconfig.get_platform(), None)
