"""What an attempt costs in a child process of the worker, against one in the worker itself.

    python tests/benchmarks/isolation.py

Prints medians in milliseconds: the first attempt in a child, which starts it, and one in a child that runs.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from ftask.core.isolation import Children
from ftask.core.ports import Job
from ftask.core.timestamps import now
from tests.support import child

STARTS = 10
ATTEMPTS = 1000


def milliseconds(children: Children) -> float:
    deadline = now() + timedelta(seconds=60)
    job = Job("f" * 32, "echo", 0, 1, 1, {"argument": "x" * 1000}, deadline)
    started = time.perf_counter()
    with children.child(deadline) as handler:
        if handler is None:
            raise TimeoutError("no child started within a minute")
        handler(job)
    return (time.perf_counter() - started) * 1000


def main() -> None:
    first, following = [], []
    for _ in range(STARTS):
        children = Children(child.__name__, 1)
        first.append(milliseconds(children))
        following += [milliseconds(children) for _ in range(ATTEMPTS // STARTS)]
        children.close()
    here = child.load()
    job: Any = Job("f" * 32, "echo", 0, 1, 1, {"argument": "x" * 1000}, now())
    direct = []
    for _ in range(ATTEMPTS):
        started = time.perf_counter()
        here(job)
        direct.append((time.perf_counter() - started) * 1000)
    for name, values in (("starts the child", first), ("the child runs", following), ("in the worker", direct)):
        print(f"{name:<18}{statistics.median(values):8.3f} ms")


if __name__ == "__main__":
    main()
