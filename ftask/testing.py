"""Test your tasks: `run` one attempt and look at its outcome, or make `current()` work with `running`."""

from ftask.tasks.testing import TASK_ID, Outcome, fresh_registry, run, running

__all__ = ["TASK_ID", "Outcome", "fresh_registry", "run", "running"]
