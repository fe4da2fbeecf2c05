"""The manifest: what the API knows of the task types, without their code."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ftask.core.manifest import (
    EXPERIMENT,
    Argument,
    Manifest,
    ManifestError,
    Options,
    TaskType,
    UnknownTypeError,
    encode_manifest,
    parse_manifest,
)

SEND = TaskType(
    "send_invoice",
    (Argument("order_id", annotation="int"), Argument("note", required=False, annotation="str", default="null")),
    doc="Send the invoice.",
    options=Options(max_attempts=5, backoff=(2, 300), jitter=False, timeout_seconds=20),
    schema={"type": "object"},
)
TICK = TaskType("tick", is_default=True)
ANY = TaskType("any", (Argument("a"), Argument("b", required=False)), accepts_more=True)
MANIFEST = Manifest((SEND, TICK, ANY))


def test_a_manifest_comes_back_as_it_was_written() -> None:
    assert parse_manifest(encode_manifest(MANIFEST)) == MANIFEST
    assert parse_manifest(encode_manifest(MANIFEST).encode()) == MANIFEST
    assert parse_manifest(encode_manifest(Manifest())) == Manifest()
    assert parse_manifest(encode_manifest(replace(MANIFEST, module="tasks"))) == replace(MANIFEST, module="tasks")


def test_the_published_form_is_this() -> None:
    """A manifest of this version is read by every later one."""
    assert json.loads(encode_manifest(Manifest((SEND, TICK), "tasks"))) == {
        "version": 1,
        "module": "tasks",
        "types": [
            {
                "name": "send_invoice",
                "doc": "Send the invoice.",
                "arguments": [
                    {"name": "order_id", "required": True, "annotation": "int"},
                    {"name": "note", "required": False, "annotation": "str", "default": None},
                ],
                "acceptsMore": False,
                "options": {
                    "maxAttempts": 5,
                    "backoffSeconds": [2, 300],
                    "jitter": False,
                    "timeoutSeconds": 20,
                },
                "default": False,
                "schema": {"type": "object"},
            },
            {"name": "tick", "doc": "", "arguments": [], "acceptsMore": False, "options": {}, "default": True},
        ],
    }


def test_fields_that_a_later_version_adds_are_ignored() -> None:
    document = json.loads(encode_manifest(MANIFEST))
    document["new"] = document["types"][0]["new"] = document["types"][0]["options"]["new"] = [1]
    document["types"][0]["arguments"][0]["new"] = {}
    assert parse_manifest(json.dumps(document)) == MANIFEST


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "null",
        "{}",
        '{"version": 1}',
        '{"version": "1", "types": []}',
        '{"version": 1, "types": 5}',
        '{"version": 1, "types": [{}]}',
        '{"version": 1, "types": ["send"]}',
        "[" * 100000,
        b"\xff",
    ],
)
def test_what_is_not_a_manifest_is_refused(text: str | bytes) -> None:
    with pytest.raises(ManifestError, match=r"^The manifest cannot be read: "):
        parse_manifest(text)


def test_a_manifest_of_a_newer_format_is_not_guessed_at() -> None:
    with pytest.raises(ManifestError, match=r"^The manifest has version 2; this ftask reads up to 1\.$"):
        parse_manifest('{"version": 2, "types": []}')


@pytest.mark.parametrize(
    ("task_type", "payload", "problem"),
    [
        (SEND, {"order_id": 1}, None),
        (SEND, {"order_id": None, "note": 5}, None),
        (TICK, {}, None),
        (ANY, {"a": 1, "b": 2, "c": 3}, None),
        (EXPERIMENT, {}, None),
        (EXPERIMENT, {"message": "SUCCESS"}, None),
        (SEND, {}, "Task type send_invoice: missing argument 'order_id'. Arguments: order_id, note (optional)."),
        (
            SEND,
            {"ordr_id": 1, "": 2},
            (
                "Task type send_invoice: unknown arguments 'ordr_id', '' and missing argument 'order_id'. "
                "Arguments: order_id, note (optional)."
            ),
        ),
        (TICK, {"x": 1}, "Task type tick: unknown argument 'x'. It takes no arguments."),
        (ANY, {"c": 1}, "Task type any: missing argument 'a'. Arguments: a, b (optional)."),
    ],
)
def test_the_keys_of_a_payload_are_checked(task_type: TaskType, payload: dict[str, Any], problem: str | None) -> None:
    assert task_type.check(payload) == problem


def test_a_payload_of_a_thousand_wrong_keys_gives_a_short_answer() -> None:
    text = TICK.check({f"{number}" * 100: 1 for number in range(100, 1100)})
    assert text is not None
    assert text.endswith("…' and 995 more. It takes no arguments.")
    assert len(text) < 500


def test_a_type_is_found_by_its_name() -> None:
    assert MANIFEST.names == ["send_invoice", "tick", "any"]
    assert MANIFEST.find("tick") is TICK
    assert MANIFEST.find("Tick") is None
    assert MANIFEST.resolve("send_invoice") is SEND


def test_a_submission_without_a_type_is_for_the_default() -> None:
    assert MANIFEST.resolve(None) is TICK


def test_without_a_default_a_type_is_needed() -> None:
    with pytest.raises(UnknownTypeError) as caught:
        Manifest((SEND, ANY)).resolve(None)
    assert caught.value.message == "The task has no type, and no type is declared default=True."
    assert caught.value.hint == "Types: send_invoice, any."


@pytest.mark.parametrize(("name", "shown"), [("sned", "'sned'"), ("", "''"), ("x" * 1000, f"'{'x' * 64}…'")])
def test_an_unknown_type_is_refused_with_those_that_exist(name: str, shown: str) -> None:
    with pytest.raises(UnknownTypeError) as caught:
        MANIFEST.resolve(name)
    assert caught.value.message == f"Unknown task type {shown}."
    assert caught.value.hint == "Types: send_invoice, tick, any."


def test_the_experiment_is_there_on_every_stage_and_the_default_on_one_without_tasks() -> None:
    assert Manifest().with_experiment().resolve(None).name == "experiment"
    assert Manifest().with_experiment().resolve("experiment").accepts_more
    assert MANIFEST.with_experiment().resolve("experiment").name == "experiment"
    assert MANIFEST.with_experiment().resolve(None) is TICK
    assert replace(MANIFEST, module="tasks").with_experiment().module == "tasks"
    with pytest.raises(UnknownTypeError):
        Manifest((SEND,)).with_experiment().resolve(None)


def test_a_deployment_without_types_says_so() -> None:
    with pytest.raises(UnknownTypeError) as caught:
        Manifest().resolve("send")
    assert caught.value.hint == "This deployment has no task types."


@pytest.mark.parametrize(
    ("annotation", "takes"),
    [
        *(("int", False), ("float | None", False), ("list[str]", False), ("dict[str, list[int]] | bool", False)),
        *(("str", True), ("str | int", True), ("Decimal", True), ("date | None", True), ("list[int] | str", True)),
    ],
)
def test_a_text_is_refused_where_the_annotation_takes_none_and_nothing_converts(annotation: str, takes: bool) -> None:
    task_type = TaskType("nap", (Argument("seconds", annotation=annotation),))
    problem = task_type.check_values({"seconds": "0.1"})
    assert problem == (None if takes else f"Task type nap: 'seconds' takes {annotation}, and '0.1' is a text.")
    assert task_type.check_values({"seconds": 0.1}) is None
    # With a schema, pydantic converts.
    assert replace(task_type, schema={}).check_values({"seconds": "0.1"}) is None
