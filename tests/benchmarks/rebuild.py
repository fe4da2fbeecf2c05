"""What one changed line of tasks.py costs: python tests/benchmarks/rebuild.py [ROUNDS]

A rebuild alone, and `ftask dev` from saving the file to the new code on the local engine. The dependencies, httpx and
pydantic, are installed before, so the cache has them. The aims are medians well under 1 s and under 2 s.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from ftask.deploy.archive import find_interpreter, write_zip
from ftask.deploy.build import fit, worker_content
from ftask.deploy.dependencies import build_dependencies
from ftask.deploy.platforms import LAMBDA, Platform, host_platform
from ftask.deploy.project import open_project, project_files

FTASK = Path(sys.executable).with_name("ftask")
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


def swaps(root: Path, rounds: int) -> list[float]:
    """Return how long `ftask dev` takes from each change until it says that the new code is deployed."""
    (root / "ftask.toml").write_text('[tasks]\nmodule = "tasks"\nrequirements = "requirements.txt"\n')
    (root / "requirements.txt").write_text("httpx\npydantic\n")
    environment = os.environ | {"FTASK_STATE_DIR": str(root / "state"), "FTASK_CACHE_DIR": str(root / "cache")}
    taken = []
    for number in range(rounds + 1):
        started = time.perf_counter()
        (root / "tasks.py").write_text(f"from ftask import task\n\n\n@task\ndef one():\n    return {number}\n")
        if number == 0:
            dev = subprocess.Popen([FTASK, "dev"], cwd=root, env=environment, stderr=subprocess.PIPE, text=True)
        assert dev.stderr is not None
        awaited = "Deployed in" if number else "Watching"
        assert any(awaited in line for line in dev.stderr), "ftask dev has ended"
        taken.append(time.perf_counter() - started)
        time.sleep(1)  # until the worker has been asked whether it can import the new code
    dev.send_signal(signal.SIGINT)
    dev.communicate()
    subprocess.run([FTASK, "local", "down"], cwd=root, env=environment, check=True, capture_output=True)
    return taken[1:]


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
    with tempfile.TemporaryDirectory() as name:
        taken = swaps(Path(name), rounds)
    print(f"ftask dev, from saving to deployed: {median(taken):.1f} s (fastest {min(taken):.1f})")


if __name__ == "__main__":
    main()
