"""Test your tasks: `run` one attempt and look at its outcome, or make `current()` work with `running`.

`submissions` collects what code under test submits.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from ftask.client.collecting import Collector
from ftask.client.requests import NewTask
from ftask.deploy.project import SETTINGS_FILE, read_project
from ftask.deploy.requirements import requires
from ftask.deploy.worker_view import see_as_a_worker
from ftask.tasks import submitting as _submitting
from ftask.tasks import testing as _testing
from ftask.tasks.context import running_or_none
from ftask.tasks.conversion import convert
from ftask.tasks.testing import TASK_ID, Outcome, fresh_registry, run, running

__all__ = ["TASK_ID", "Outcome", "fresh_registry", "run", "running", "submissions"]


@contextmanager
def submissions() -> Iterator[list[NewTask]]:
    """Collect what declared tasks submit meanwhile, instead of sending it: `with submissions() as sent:`.

    Each submission is a new task with its type, its payload and its options, checked as the API checks them. No task
    runs, and `unique` finds no other task. Submissions by :meth:`ftask.Client.submit` are not collected: give such
    code a client with an `http_client` of the test.
    """
    before, _submitting.collector = _submitting.collector, Collector()
    try:
        yield _submitting.collector.sent
    finally:
        _submitting.collector = before


@cache
def _see_as_a_worker(file: str) -> None:
    """Let a task of this file see what the worker of its project would."""
    folders = Path(file).absolute().parents
    settings = next((folder / SETTINGS_FILE for folder in folders if (folder / SETTINGS_FILE).is_file()), None)
    project = None if settings is None else read_project(settings)
    if project is None or not (project.root / file).is_relative_to(project.root):
        return
    see_as_a_worker(project, lambda: running_or_none() is not None)
    convert(by_pydantic=requires(project.requirements, "pydantic"))


_testing.prepare = _see_as_a_worker
