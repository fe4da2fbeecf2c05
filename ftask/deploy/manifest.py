"""The manifest of a project: its module is imported, in a process apart, before anything is deployed.

What is imported is the very build where this machine can do that: where every dependency runs on every platform and an
interpreter of the target's version is at hand. Otherwise it is the same code over dependencies for this machine, with
this machine's Python; the deployed worker is then asked whether it can import its tasks.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ftask.core.errors import FtaskError
from ftask.deploy.archive import Content, Interpreter
from ftask.deploy.dependencies import Build
from ftask.deploy.installers import Progress
from ftask.deploy.project import Project, include_for_file, include_for_module

TIMEOUT_SECONDS = 60

# Of the caller's environment, what a process needs to run at all. No credentials: an import must not reach an account.
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH")
_SECRET = "read-at-cold-start"  # noqa: S105 - stands for a value that only the worker may read
_TAIL = 20

# -I leaves out the environment's PYTHONPATH, the user's packages and the working directory.
_PROGRAM = """
import runpy, sys
sys.path[:0] = sys.argv[2:]
del sys.argv[2:]
runpy.run_module("ftask.tasks.manifest", run_name="__main__", alter_sys=True)
"""


def can_import(build: Build, interpreter: Interpreter | None) -> bool:
    """Return whether `interpreter` can import a build for another platform on this machine."""
    return build.platform.is_host or (
        build.is_pure and interpreter is not None and interpreter.version == build.platform.python
    )


def import_environment(project: Project, region: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment variables for the import: as the worker has them, without anybody's credentials.

    A secret has a placeholder instead of its value. `environment` is the caller's; little of it is passed on.
    """
    passed_on = {name: environment[name] for name in _PASSED_ON if name in environment}
    return {
        **passed_on,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **dict.fromkeys(project.secrets, _SECRET),
        **project.environment,
    }


def make_manifest(
    module: str,
    code: Content,
    dependencies: Build | None,
    *,
    python: str,
    environment: Mapping[str, str],
    root: Path | None = None,
    progress: Progress = lambda line: None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> bytes:
    """Import `module` from the built code and return the manifest of its tasks, as JSON.

    `code` is the worker's without `dependencies`, which come after it on `sys.path`. What is installed in the
    environment of `python` can be imported too, so it is one that has what AWS Lambda's runtime has, and nothing else.
    `environment` is all of the import's. `root` is the project's folder, which may have what the archive leaves out.

    Raises:
        FtaskError: the import fails or takes too long; the message has the end of the traceback.
    """
    with tempfile.TemporaryDirectory(prefix="ftask-import-") as name:
        folder = Path(name).resolve()
        code.write_to(folder)
        paths = [str(folder), *([] if dependencies is None else [str(dependencies.folder)])]
        # -B: an import must not write bytecode into the build.
        command = [python, "-I", "-B", "-c", _PROGRAM, module, *paths]
        try:
            done = subprocess.run(  # noqa: S603 - the command is ours, and no shell reads it
                command,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FtaskError(
                f"The import of the tasks module {module!r} took more than {timeout_seconds:g} s.",
                "Move what takes long, like connections and downloads, from the module into the tasks.",
            ) from None
        printed = done.stderr.replace(f"{folder}{os.sep}", "").splitlines()
    if done.returncode != 0:
        tail = [line for line in printed if line.strip()][-_TAIL:]
        raise FtaskError(
            "\n".join([f"Cannot read the tasks of the module {module!r}:", *(f"  {line}" for line in tail)]),
            f"Nothing was deployed. {(root and _left_out(tail, root)) or 'Correct the module.'}",
        )
    for line in printed:
        progress(line)
    return done.stdout.encode()


def _left_out(lines: Sequence[str], root: Path) -> str | None:
    """Return how to pack the module or file that an import did not find; None if the project does not have it."""
    text = "\n".join(lines)
    module = re.search(r"No module named '(\w+)", text)
    file = re.search(r"No such file or directory: '([^']+)'", text)
    hint = include_for_module(root, module[1]) if module else None
    return hint or (include_for_file(root, file[1]) if file else None)
