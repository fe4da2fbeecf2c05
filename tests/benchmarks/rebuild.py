"""What a rebuild costs after one line of tasks.py has changed: python tests/benchmarks/rebuild.py [ROUNDS]

The dependencies, httpx and pydantic, are installed before, so the cache has them. The aim is a median well under 1 s.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from ftask.deploy.archive import write_zip
from ftask.deploy.bytecode import find_interpreter
from ftask.deploy.dependencies import build_dependencies
from ftask.deploy.function_code import fit, worker_content
from ftask.deploy.platforms import LAMBDA, Platform, host_platform
from ftask.deploy.project import open_project, project_files

MANIFEST = b'{"version": 1, "types": []}'


def seconds(root: Path, platform: Platform, number: int) -> float:
    """Return how long a rebuild takes, from reading the project to the zip."""
    (root / "tasks.py").write_text(f"import httpx, pydantic\nNUMBER = {number}\n")
    started = time.perf_counter()
    interpreter = find_interpreter(platform.python)
    project = open_project(root, "tasks", requirements="requirements.txt")
    assert project.requirements is not None
    build = build_dependencies(project.requirements, platform, root / "cache", interpreter=interpreter)
    content = fit(worker_content(project_files(project), build.entries, MANIFEST, interpreter))
    assert content.key
    write_zip(content, root / "worker.zip", build.compressed)
    return time.perf_counter() - started


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    for platform in (host_platform(), LAMBDA):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            (root / "requirements.txt").write_text("httpx\npydantic\n")
            first = seconds(root, platform, 0)
            rebuilds = [seconds(root, platform, number) for number in range(1, rounds + 1)]
        compiled = "with" if find_interpreter(platform.python) else "without"
        print(
            f"{platform}, {compiled} bytecode: first build {first:.1f} s, "
            f"rebuild {1000 * median(rebuilds):.0f} ms (fastest {1000 * min(rebuilds):.0f})"
        )


if __name__ == "__main__":
    main()
