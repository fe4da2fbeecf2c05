"""The description of the API is the one source: the template's routes and the README's table follow it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ftask.core import payload, submission
from ftask.core.codec import TASK_ID, task_to_json
from ftask.core.errors import FtaskError, InvalidInputError, OutputError, SettingsError
from ftask.core.failed_index import FailedTask
from ftask.core.manifest import TYPE_NAME, Manifest, ManifestError, types_to_json
from ftask.core.model import Attempt, Failure, Outcome, Status
from stack.handlers.api import DEFAULT_PAGE, MAX_PAGE, OPENAPI, PROBLEMS
from tests.support.builders import a_full_task
from tests.support.clock import EPOCH
from tests.support.resources import template

README = Path(__file__).parents[2] / "stack" / "README.md"
DOCUMENT: dict[str, Any] = json.loads(OPENAPI.read_bytes())
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def table() -> str:
    rows = ["| call | does | answers |", "|---|---|---|"]
    for route, operation in OPERATIONS.items():
        rows.append(f"| `{route}` | {operation['summary']} | {', '.join(operation['responses'])} |")
    return "\n".join(rows)


def test_the_readme_shows_what_the_description_says() -> None:
    assert table() in README.read_text()


def test_the_template_has_exactly_these_routes() -> None:
    resources = template()["Resources"].values()
    routes = {
        str(resource["Properties"]["RouteKey"])
        for resource in resources
        if resource["Type"] == "AWS::ApiGatewayV2::Route"
    }
    assert routes == set(OPERATIONS)


def test_every_call_may_be_refused_for_its_signature_and_for_its_token() -> None:
    # Of API Gateway: 403 without a signature, 401 without a token.
    assert template()["Parameters"]["ApiAuthorization"]["AllowedValues"] == ["AWS_IAM", "JWT", "NONE"]
    for operation in OPERATIONS.values():
        assert {"401", "403", "429"} <= operation["responses"].keys()


def test_the_numbers_are_those_of_the_code() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["Batch"]["properties"]["tasks"]["maxItems"] == payload.MAX_BATCH_TASKS
    assert schemas["Query"]["properties"]["taskIds"]["maxItems"] == MAX_PAGE
    problems = schemas["Problem"]["properties"]["type"]["enum"]
    assert problems == [f"/problems/{name}" for _, name in PROBLEMS.values()]
    assert schemas["IdempotencyKey"]["maxLength"] == submission.MAX_KEY_CHARACTERS
    limit = next(parameter for parameter in OPERATIONS["GET /tasks"]["parameters"] if parameter["name"] == "limit")[
        "schema"
    ]
    assert (limit["default"], limit["maximum"]) == (DEFAULT_PAGE, MAX_PAGE)
    assert schemas["Task"]["properties"]["status"]["enum"] == [str(status) for status in Status]
    assert schemas["Attempt"]["properties"]["outcome"]["enum"] == [str(outcome) for outcome in Outcome]
    assert schemas["Accepted"]["properties"]["taskId"]["pattern"] == f"^{TASK_ID.pattern}$"
    for schema in ("Accepted", "Task", "FailedTask"):
        assert schemas[schema]["properties"]["type"]["pattern"] == f"^{TYPE_NAME.pattern}$"
    assert f"{payload.MAX_PAYLOAD_BYTES // 1024} KiB" in OPERATIONS["POST /tasks"]["summary"]
    assert f"{payload.MAX_BATCH_BYTES // 1024 // 1024} MiB" in OPERATIONS["POST /tasks/batch"]["summary"]


def test_the_document_in_the_archive_has_the_types_of_a_stage_without_own_tasks() -> None:
    manifest = Manifest().with_experiment()
    assert DOCUMENT["x-ftask-types"] == types_to_json(manifest)
    assert DOCUMENT["components"]["schemas"]["TaskType"]["enum"] == manifest.names


# What no request meets: roots, what a function finds at its start, what a command prints.
NOT_OF_A_REQUEST = {FtaskError, InvalidInputError, SettingsError, ManifestError, OutputError}


def errors_of(root: type[FtaskError]) -> set[type[FtaskError]]:
    found = {root}.union(*map(errors_of, root.__subclasses__()))
    return {error for error in found if error.__module__.startswith(("ftask.core.", "stack.handlers."))}


def test_every_error_that_a_request_can_meet_has_a_problem_of_its_own() -> None:
    assert errors_of(FtaskError) - NOT_OF_A_REQUEST == set(PROBLEMS)
    kinds = list(PROBLEMS)
    for number, kind in enumerate(kinds):
        assert not any(issubclass(later, kind) for later in kinds[number + 1 :]), f"{kind.__name__} hides a later row"


def test_every_field_of_a_task_is_described_and_no_other() -> None:
    failure = Failure("ValueError", "no")
    attempt = Attempt(1, 0, EPOCH, EPOCH, Outcome.LOST, failure, 1.0, beside=1, uncounted=True)
    task = a_full_task(status=Status.PROCESSING, history=(attempt,))
    schemas = DOCUMENT["components"]["schemas"]
    public = task_to_json(task)
    assert public.keys() == schemas["Task"]["properties"].keys()
    assert public["history"][0].keys() == schemas["Attempt"]["properties"].keys()
    assert public["lastError"].keys() == schemas["Failure"]["properties"].keys()
    assert FailedTask.of(task).json().keys() == schemas["FailedTask"]["properties"].keys()
