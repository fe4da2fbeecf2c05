"""What a start costs, as ratios measured side by side: python tests/benchmarks/startup.py [ROUNDS]

A machine that is shared is noisy, so both sides of a ratio run in turn, each in a fresh process, and the median of the
rounds counts; of CPU time, which other load disturbs less, the least. Aims: worker at most 1.25, worker with one own
task at most 1.15 times the worker without, command line at most 1.3.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from ftask.core.manifest import Manifest, encode_manifest
from ftask.deploy.build import api_content, worker_content

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_DEFAULT_REGION": "us-east-1",
    "FTASK_STACK": "s",
    "FTASK_TABLE": "t",
    "FTASK_QUEUE_URL": "q",
    "FTASK_DEAD_LETTER_QUEUE_URL": "d",
    "FTASK_MAX_ATTEMPTS": "2",
    "FTASK_RETENTION_DAYS": "30",
    "FTASK_BACKOFF_BASE_SECONDS": "2",
    "FTASK_BACKOFF_CAP_SECONDS": "900",
    "FTASK_BACKOFF_JITTER": "false",
    "FTASK_ERROR_RATE": "0.3",
    "FTASK_TASK_BUDGET_SECONDS": "10",
    "PATH": os.environ["PATH"],
}
BARE = """
import botocore.session
session = botocore.session.get_session()
session.create_client("dynamodb"); session.create_client("sqs")
"""
WORKER = """
import ftask.handlers.worker as worker
worker.worker()
"""
OWN_TASK = """
from ftask import task

@task
def send_invoice(order_id: int, email: str) -> dict:
    return {"invoice": order_id}
"""
API = """
import ftask.handlers.api as api
api.api().store._client(); api.api().submitter.queue._client()
"""
HELLO = """
import typer
app = typer.Typer()
@app.command()
def one(name: str) -> None: print(name)
@app.command()
def two(name: str) -> None: print(name)
app()
"""
FTASK = "from ftask.cli import main; main()"


def build_worker_with_own_task(folder: Path) -> None:
    """Write the code of a worker with one task that has no dependencies."""
    source = folder / "source.py"
    source.write_text(OWN_TASK, encoding="utf-8")
    manifest = encode_manifest(Manifest(module="tasks")).encode()
    worker_content({"tasks.py": source}, manifest=manifest).write_to(folder)


class Took(NamedTuple):
    """The time of one fresh process, and its CPU time, in seconds."""

    wall: float
    cpu: float


def run(code: str, arguments: list[str], folder: Path) -> Took:
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, env=ENVIRONMENT, check=True, stdout=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(time.perf_counter() - started, cpu)


def compare(
    title: str,
    ours: tuple[str, list[str]],
    theirs: tuple[str, list[str]],
    folder: Path,
    rounds: int,
    folder_of_theirs: Path | None = None,
) -> None:
    other_folder = folder_of_theirs or folder
    run(*ours, folder)
    run(*theirs, other_folder)
    pairs = [(run(*ours, folder), run(*theirs, other_folder)) for _ in range(rounds)]
    interpreter = median(run("pass", [], folder).wall for _ in range(rounds))
    mine, other = median(pair[0].wall for pair in pairs), median(pair[1].wall for pair in pairs)
    cpu, cpu_of_other = min(pair[0].cpu for pair in pairs), min(pair[1].cpu for pair in pairs)
    print(
        f"{title:<58} {1000 * mine:6.0f} ms / {1000 * other:4.0f} ms = {mine / other:.2f}"
        f"   above a bare interpreter ({1000 * interpreter:.0f} ms): {(mine - interpreter) / (other - interpreter):.2f}"
        f"   CPU: {1000 * cpu:.0f} ms / {1000 * cpu_of_other:.0f} ms = {cpu / cpu_of_other:.2f}"
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In one folder, which saves the comparison a second one: what both have is the same.
        api_content().write_to(folder)
        worker_content({}).write_to(folder)
        bare = (BARE, list[str]())
        compare("worker / botocore with both", (WORKER, []), bare, folder, rounds)
        compare("api with both clients / botocore with both", (API, []), bare, folder, rounds)
        own_folder = folder / "own"
        own_folder.mkdir()
        build_worker_with_own_task(own_folder)
        worker = (WORKER, list[str]())
        compare("worker with one own task / worker without", worker, worker, own_folder, rounds, folder)
    checkout = Path(__file__).parents[2]
    for argument in ("--help", "--version"):
        compare(
            f"ftask {argument} / two-command Typer app --help",
            (FTASK, [argument]),
            (HELLO, ["--help"]),
            checkout,
            rounds,
        )


if __name__ == "__main__":
    main()
