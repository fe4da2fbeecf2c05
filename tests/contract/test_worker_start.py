"""The worker under AWS's own runtime client: how it starts, and what its check says of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from ftask.local.engine import Engine
from tests.support import resources
from tests.support.engines import local_target
from tests.support.lambda_sandbox import Sandbox
from tests.support.worker_code import ENVIRONMENT, unpack_worker

pytestmark = pytest.mark.engine

TASKS = """
    from ftask import task

    @task
    def greet(name):
        return f"Hello, {name}"
"""
# Outside of the worker's own process, as in a child, its handler's module is not imported.
FAILS_IN_A_CHILD = "import sys\nif 'ftask.handlers.worker' not in sys.modules: raise OSError('not here')\n"
CHECK = {"ftask": "check"}


@pytest.fixture
def environment(engine: Engine) -> dict[str, str]:
    """The variables of a worker that has a table and queues of its own."""
    target = local_target(engine)
    made = resources.create(target.dynamodb, target.sqs)
    return ENVIRONMENT | {
        "AWS_ENDPOINT_URL": str(target.endpoint_url),
        "AWS_ACCESS_KEY_ID": str(target.access_key),
        "AWS_SECRET_ACCESS_KEY": str(target.secret_key),
        "FTASK_TABLE": made.table,
        "FTASK_QUEUE_URL": made.queue_url,
        "FTASK_DEAD_LETTER_QUEUE_URL": made.dead_letter_queue_url,
    }


def check(folder: Path, environment: Mapping[str, str], tasks: str | None = TASKS) -> Any:
    with Sandbox(unpack_worker(folder, tasks), environment) as sandbox:
        return sandbox.invoke(CHECK)


def test_the_check_of_a_whole_worker_names_its_types_and_both_import_times(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    answer = check(tmp_path, environment)
    assert (answer["types"], answer["failures"]) == (["greet"], {})
    assert answer["importSeconds"] > 0
    assert answer["childImportSeconds"] > 0


def test_the_check_leaves_the_table_and_the_queues_as_they_were(
    tmp_path: Path, environment: dict[str, str], engine: Engine
) -> None:
    check(tmp_path, environment, tasks=None)
    target = local_target(engine)
    assert target.dynamodb.scan(TableName=environment["FTASK_TABLE"])["Items"] == []
    for variable in ("FTASK_QUEUE_URL", "FTASK_DEAD_LETTER_QUEUE_URL"):
        assert "Messages" not in target.sqs.receive_message(QueueUrl=environment[variable])


def test_the_check_says_of_each_part_that_fails_why(tmp_path: Path, environment: dict[str, str]) -> None:
    for variable in ("FTASK_TABLE", "FTASK_QUEUE_URL", "FTASK_DEAD_LETTER_QUEUE_URL"):
        environment[variable] += "-gone"
    failures = check(tmp_path, environment, FAILS_IN_A_CHILD + dedent(TASKS))["failures"]
    assert sorted(failures) == ["child", "deadLetterQueue", "queue", "table"]
    assert "ResourceNotFoundException" in failures["table"]
    assert "NonExistentQueue" in failures["queue"]
    assert "NonExistentQueue" in failures["deadLetterQueue"]
    assert failures["child"].endswith("OSError: not here")
