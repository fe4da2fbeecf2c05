"""Run the tests that Django ships for its tasks against ftask: `python -m tests.djangos_own FOLDER`.

FOLDER is an unpacked source distribution of Django. What it tests of Django's two backends is tested of ftask's: of
DummyBackend, while no worker runs; of ImmediateBackend, while one runs at once what is enqueued. The package
django-tasks ships no tests; where Django has no tasks, these ones import that package.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import TestCase, TestSuite

from django.test.runner import DiscoverRunner

from ftask.django import library
from tests.support.django_stage import declared_tasks, django_stage

_DUMMY = "it is about how DummyBackend keeps its results"
_TRACEBACK = "the worker's log has the traceback, the item has none"
_REFUSED = "it expects a refusal of what ftask can do"
_PICKLE = "django-tasks cannot pickle a task"
LEFT_OUT = {
    "test_tasks.TaskTestCase.test_using_correct_backend": _DUMMY,
    "test_tasks.TaskTestCase.test_get_backend": _DUMMY,
    "test_tasks.TaskTestCase.test_using_priority": "an SQS queue has no priorities",
    "test_tasks.TaskTestCase.test_chained_using": "it sets a priority",
    "test_tasks.TaskTestCase.test_invalid_priority": "each priority but 0 is refused, with a text of ftask's own",
    "test_dummy_backend.DummyBackendTestCase.test_using_correct_backend": _DUMMY,
    "test_dummy_backend.DummyBackendTestCase.test_refresh_result": _DUMMY,
    "test_dummy_backend.DummyBackendTestCase.test_refresh_result_async": _DUMMY,
    "test_immediate_backend.ImmediateBackendTestCase.test_using_correct_backend": "it expects an ImmediateBackend",
    "test_immediate_backend.ImmediateBackendTestCase.test_throws_keyboard_interrupt": "no worker gets Ctrl-C",
    "test_immediate_backend.ImmediateBackendTestCase.test_complex_exception": _TRACEBACK,
    "test_immediate_backend.ImmediateBackendTestCase.test_complex_return_value": "the error is ftask's InvalidResult",
    "test_immediate_backend.ImmediateBackendTestCase.test_cannot_get_result": _REFUSED,
    "test_immediate_backend.ImmediateBackendTestCase.test_cannot_refresh_result": _REFUSED,
    "test_immediate_backend.ImmediateBackendTestCase.test_cannot_pass_run_after": _REFUSED,
}
_OF_THE_BACKPORT = {
    "test_tasks.TaskTestCase.test_pickle_task": _PICKLE,
    "test_tasks.TaskTestCase.test_pickle_task_result": _PICKLE,
    "test_tasks.TaskTestCase.test_unpickle_arbitrary_string": _PICKLE,
    "test_tasks.TaskTestCase.test_unpickle_non_task_object": _PICKLE,
    "test_tasks.TaskTestCase.test_run_after_in_decorator": "django-tasks has another text",
    "test_dummy_backend.DummyBackendTestCase.test_validate_disallowed_async_task": "django-tasks has another text",
}
IS_BACKPORT = library.NAME != "django.tasks"
# test_custom_backend has backends of its own.
MODULES = ("test_tasks", "test_dummy_backend", "test_immediate_backend")
BACKENDS = {
    "django.tasks.backends.dummy.DummyBackend": "tests.support.django_stage.QuietBackend",
    "django.tasks.backends.immediate.ImmediateBackend": "tests.support.django_stage.EagerBackend",
}


def main(source: Path) -> int:
    """Run the tests in a copy that names ftask's backends; return 1 if one fails."""
    with tempfile.TemporaryDirectory() as name:
        _copy(source / "tests" / "tasks", Path(name) / "tasks")
        sys.path.insert(0, name)
        with declared_tasks("tasks.tasks") as registry, django_stage(registry, max_attempts=1):
            return _run()


def _run() -> int:
    runner = DiscoverRunner()
    left_out = {
        f"tasks.{name}": reason for name, reason in (LEFT_OUT | _OF_THE_BACKPORT if IS_BACKPORT else LEFT_OUT).items()
    }
    tests = {test.id(): test for test in _each(runner.build_suite([f"tasks.{name}" for name in MODULES]))}
    for name, reason in left_out.items():
        del tests[name]  # fails where Django has it no more
        sys.stdout.write(f"left out: {name}: {reason}\n")
    runner.setup_test_environment()
    databases = runner.setup_databases()
    result = runner.run_suite(TestSuite(tests.values()))
    runner.teardown_databases(databases)
    return 0 if result.wasSuccessful() else 1


def _each(suite: TestSuite) -> Iterator[TestCase]:
    for test in suite:
        if isinstance(test, TestSuite):
            yield from _each(test)
        else:
            yield test


def _copy(source: Path, folder: Path) -> None:
    folder.mkdir()
    for file in source.glob("*.py"):
        text = file.read_text()
        for theirs, ours in BACKENDS.items():
            text = text.replace(theirs, ours)
        if IS_BACKPORT:
            text = text.replace("django.tasks", library.NAME)
            text = re.sub(r"\b(InvalidTask|InvalidTaskBackend)\b", r"\1Error", text)
        (folder / file.name).write_text(text)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
