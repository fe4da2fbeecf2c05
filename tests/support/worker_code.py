"""The worker's archive, unpacked as Lambda has it, and the variables that the template gives it."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from ftask.core.deployed import ENVIRONMENT_FILE
from ftask.core.manifest import Manifest, encode_manifest
from ftask.deploy.build import worker_content

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_DEFAULT_REGION": "us-east-1",
    "FTASK_STACK": "s",
    "FTASK_TABLE": "t",
    "FTASK_QUEUE_URL": "q",
    "FTASK_DEAD_LETTER_QUEUE_URL": "d",
    "FTASK_RETENTION_DAYS": "30",
    "FTASK_BACKOFF_BASE_SECONDS": "2",
    "FTASK_BACKOFF_CAP_SECONDS": "900",
    "FTASK_BACKOFF_JITTER": "false",
    "FTASK_ERROR_RATE": "0",
    "FTASK_TASK_BUDGET_SECONDS": "10",
}


def unpack_worker(folder: Path, tasks: str | None = None, environment: str = "{}") -> Path:
    """Unpack the worker of these tasks, with these variables of the project's, below `folder`; return where."""
    files: dict[str, Path] = {}
    manifest = None
    if tasks is not None:
        (folder / "source.py").write_text(dedent(tasks), encoding="utf-8")
        files = {"tasks.py": folder / "source.py"}
        manifest = encode_manifest(Manifest(module="tasks")).encode()
    code = folder / "code"
    worker_content(files, manifest=manifest).write_to(code)
    if tasks is not None:
        (code / "ftask" / ENVIRONMENT_FILE).write_text(environment, encoding="utf-8")
    return code
