"""The Python that imports the user's tasks before a deployment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ftask.core.errors import FtaskError

if TYPE_CHECKING:
    from ftask.deploy.project import Project


def importing_python(project: Project | None) -> str:
    """Return the interpreter that imports the tasks: one with what AWS Lambda's runtime has, and nothing else.

    So a package that only ftask's own environment has is reported as missing before the deployment.

    Raises:
        FtaskError: the state folder, where it lies, cannot be used.
    """
    from ftask.local.runtime import runtime_python
    from ftask.local.state_folder import STATE_DIR_VARIABLE, default_root

    if project is None:
        return sys.executable
    root = default_root()
    try:
        return str(runtime_python(root))
    except OSError as error:
        raise FtaskError(
            f"The state folder {root} cannot be used: {error.strerror or error}.",
            f"Make it writable, or choose another with {STATE_DIR_VARIABLE}.",
        ) from error
