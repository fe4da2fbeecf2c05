"""The Python of the local engine's functions."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ftask.local.function_start import VARIABLE
from ftask.local.runtime import runtime_python


def imports(python: Path, module: str) -> bool:
    done = subprocess.run([python, "-I", "-c", f"import {module}"], capture_output=True, check=False)
    return done.returncode == 0


def test_functions_have_what_lambdas_runtime_has_and_nothing_else(tmp_path: Path) -> None:
    python = runtime_python(tmp_path)
    assert imports(python, "boto3.session, botocore.session, dateutil, jmespath, s3transfer, urllib3")
    for module in ("ftask", "pydantic", "rich", "typer", "ministack", "pip"):
        assert not imports(python, module), module


FUNCTION = """
import os, subprocess, sys
engine_in, engine_out, sys.stdout = sys.stdin, sys.stdout, sys.stderr
for line in engine_in:
    subprocess.run(["cat"])
    subprocess.run(["echo", '{"status": "ok"}'])
    os.write(1, b"from C\\n")
    child = subprocess.run([sys.executable, "-c", "print('seen')"], capture_output=True, text=True)
    print(child.stdout.strip())
    engine_out.write("answer to " + line)
    engine_out.flush()
"""


def test_nothing_that_a_function_or_its_programs_print_or_read_is_for_the_engine(tmp_path: Path) -> None:
    done = subprocess.run(
        [runtime_python(tmp_path), "-c", FUNCTION],
        input="1\n2\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ | {VARIABLE: "1"},
    )
    assert done.stdout == "answer to 1\nanswer to 2\n"
    assert done.stderr == '{"status": "ok"}\nfrom C\nseen\n' * 2


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
