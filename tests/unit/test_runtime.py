"""The Python of the local engine's functions."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ftask.local.runtime import runtime_python


def imports(python: Path, module: str) -> bool:
    done = subprocess.run([python, "-I", "-c", f"import {module}"], capture_output=True, check=False)
    return done.returncode == 0


def test_functions_have_what_lambdas_runtime_has_and_nothing_else(tmp_path: Path) -> None:
    python = runtime_python(tmp_path)
    assert imports(python, "boto3.session, botocore.session, dateutil, jmespath, s3transfer, urllib3")
    for module in ("ftask", "pydantic", "rich", "typer", "ministack", "pip"):
        assert not imports(python, module), module


def test_the_environment_is_made_once(tmp_path: Path) -> None:
    python = runtime_python(tmp_path)
    made = python.parent.stat().st_mtime_ns
    assert runtime_python(tmp_path) == python
    assert python.parent.stat().st_mtime_ns == made
    assert len(list((tmp_path / "runtime").iterdir())) == 1


def test_an_environment_whose_python_is_gone_is_made_again(tmp_path: Path) -> None:
    python = runtime_python(tmp_path)
    python.unlink()
    assert runtime_python(tmp_path) == python
    assert imports(python, "boto3.session")
