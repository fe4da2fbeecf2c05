"""What the API refuses by a type's JSON schema, the worker's pydantic would refuse too."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from ftask import task
from ftask.core.json_schema import UNCHECKED, mismatch
from ftask.tasks.declaration import fresh_registry
from ftask.tasks.manifest import build_manifest


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    product: Annotated[str, Field(min_length=2, max_length=4)]
    count: Annotated[int, Field(ge=1, lt=10)] = 1


class Tree(BaseModel):
    value: int
    children: list[Tree | None] = []


TYPES: list[Any] = [
    *(int, float, bool, str, Decimal, bytes, UUID, date, datetime, timedelta, Size, Colour, Line, Tree),
    *(int | None, int | str, Literal["a", "b"], Literal[1, 2], list[int], set[int], tuple[int, str], dict[str, int]),
    *(Line | Tree, Annotated[float, Field(gt=0, le=5)], Annotated[list[int], Field(min_length=1, max_length=2)]),
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-12, 12)
    | st.floats(-12, 12)
    | st.sampled_from(["1", "1.0", " 2 ", "a", "ab", "red", "yes", "2026-01-01", "2026-01-01T00:00:00Z", "PT1S", ""])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.uuids().map(str),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["product", "count", "value", "children", "other"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(kind=st.sampled_from(TYPES), value=VALUES)
def test_whatever_the_worker_accepts_the_api_accepts(kind: Any, value: Any) -> None:
    adapter = TypeAdapter(kind)
    try:
        adapter.validate_json(json.dumps(value))
    except ValidationError:
        return
    assert mismatch(value, adapter.json_schema()) is None


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        (int, "x", "expected an integer, got 'x'"),
        (int, 1.5, "expected an integer, got 1.5"),
        (bool, "maybe", "expected true or false"),
        (str, 5, "expected a text, got 5"),
        (Literal["a", "b"], "c", "expected one of 'a', 'b', got 'c'"),
        (int | None, "x", "expected an integer"),
        (list[int], [1, "x"], "[1]: expected an integer, got 'x'"),
        (tuple[int, str], [1, 2], "[1]: expected a text"),
        (dict[str, int], {"a": "x"}, "a: expected an integer"),
        (Line, {"product": "pen", "count": 10}, "count: expected less than 10, got 10"),
        (Line, {"product": "p"}, "product: expected at least 2 characters, got 'p'"),
        (Line, {}, "product: missing"),
        (Tree, {"value": 1, "children": [{"value": "x"}]}, "children[0].value: expected an integer, got 'x'"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_place(kind: Any, value: Any, says: str) -> None:
    assert says in str(mismatch(value, TypeAdapter(kind).json_schema()))


def test_unions_in_a_recursive_type_end_in_time_and_in_favour_of_the_payload() -> None:
    schema: dict[str, Any] = {
        "$ref": "#/$defs/T",
        "$defs": {
            "T": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/T"}}] * 2},
        },
    }
    value: Any = "x"
    for _ in range(90):
        value = [value]
    assert mismatch(value, schema) is None


def as_int(value: Any) -> int:
    return 5 if value == "five" else value


class Renamed(BaseModel):
    count: int = Field(validation_alias=AliasChoices("count", "number"))


@pytest.mark.parametrize("kind", [Annotated[int, BeforeValidator(as_int)], Renamed])
def test_what_validators_of_the_project_may_convert_is_not_judged(kind: Any) -> None:
    with fresh_registry() as registry:

        @task
        def count(value: int) -> None: ...

        count.__annotations__["value"] = kind
        (declared,) = build_manifest(registry).types
    assert declared.schema is not None
    assert declared.schema[UNCHECKED] is True
    assert declared.check_values({"value": "five"}) is None
