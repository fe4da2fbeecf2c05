"""The main module of the worker's child processes: the tasks that the worker has, for one attempt at a time."""

from __future__ import annotations

import os
import sys
from random import Random

from ftask.core import log
from ftask.core.child import serve
from ftask.core.deployed import read_module
from ftask.core.ports import Handler
from ftask.core.settings import WorkerSettings
from ftask.core.workload import by_type, simulated
from ftask.tasks.deployed import load_in_child
from ftask.tasks.worker import handler as handler_of


def load() -> Handler:
    """Return the handler of the deployed tasks and of the experiment."""
    settings = WorkerSettings.from_environment(os.environ)
    own: Handler | None = None
    module = read_module()
    if module is not None:
        own = handler_of(load_in_child(module, settings.log_level), log.write)
    return by_type(simulated(settings.error_rate, Random()), own)  # noqa: S311 - a simulated error rate


if __name__ == "__main__":
    jobs, answers, parent = map(int, sys.argv[1:])
    serve(load, jobs, answers, parent)
