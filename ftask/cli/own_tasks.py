"""The Python that imports the user's tasks before a deployment."""

from __future__ import annotations

import sys

from ftask.deploy.project import Project
from ftask.local.runtime import runtime_python
from ftask.local.state_folder import default_root, unusable


def importing_python(project: Project | None) -> str:
    """Return the interpreter that imports the tasks: one with what AWS Lambda's runtime has, and nothing else.

    So a package that only ftask's own environment has is reported as missing before the deployment.

    Raises:
        FtaskError: the state folder, which holds it, cannot be used.
    """
    if project is None:
        return sys.executable
    root = default_root()
    try:
        return str(runtime_python(root))
    except OSError as error:
        raise unusable(root, error) from error
