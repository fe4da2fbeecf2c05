"""A payload becomes a call: names, values, results, time limits."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import functools
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from ftask.core.errors import InvalidResult, PermanentError, TimedOut
from ftask.core.timestamps import now
from ftask.tasks.context import Run, current, running
from ftask.tasks.declaration import declaration_of, task
from ftask.tasks.errors import DeclarationError, InvalidPayload
from ftask.tasks.worker import bind, call


class Colour(enum.Enum):
    RED = "red"


class Line(BaseModel):
    sku: str
    count: int = 1


class Order(BaseModel):
    lines: list[Line]
    placed: date


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    placed: date


class Missing:
    """A class that pydantic does not know."""


def outcome(function: Callable[..., Any], payload: dict[str, Any], seconds: float = 20) -> Any:
    run = Run("0" * 32, "t", 0, 1, 2, now() + timedelta(seconds=seconds))
    with running(run):
        return call(declaration_of(function), payload, run)


def refusal(function: Callable[..., Any], payload: dict[str, Any]) -> str:
    with pytest.raises(InvalidPayload) as caught:
        outcome(function, payload)
    assert isinstance(caught.value, PermanentError)
    assert type(caught.value).__name__ == "InvalidPayload"
    return str(caught.value)


# Names


def test_the_keys_of_a_payload_are_the_arguments() -> None:
    @task
    def send(order_id, *, email="a@b.c"):  # type: ignore[no-untyped-def]
        return [order_id, email]

    assert outcome(send, {"order_id": 17}) == [17, "a@b.c"]
    assert outcome(send, {"email": None, "order_id": {"deep": []}}) == [{"deep": []}, None]


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"order_id": 1, "x": 2}, "unknown argument 'x'"),
        ({}, "missing argument 'order_id'"),
        ({"ordr_id": 1}, "unknown argument 'ordr_id' and missing argument 'order_id'"),
    ],
)
def test_unknown_and_missing_arguments_are_refused_with_those_that_exist(payload: dict[str, Any], problem: str) -> None:
    @task
    def send(order_id: int, email: str = "a@b.c") -> None: ...

    assert refusal(send, payload) == f"Task type send: {problem}. Arguments: order_id, email (optional)."


def test_a_task_without_arguments_says_so() -> None:
    @task
    def tick() -> None: ...

    assert outcome(tick, {}) is None
    assert refusal(tick, {"message": "hi"}) == "Task type tick: unknown argument 'message'. It takes no arguments."


def test_further_keys_go_to_a_function_that_takes_them() -> None:
    @task
    def send(order_id: int, **rest: Any) -> Any:
        return [order_id, rest]

    assert outcome(send, {"order_id": "1", "x": 2, "not an identifier": [3]}) == [
        1,
        {"x": 2, "not an identifier": [3]},
    ]


def test_arguments_may_have_names_that_a_model_could_not() -> None:
    @task
    def send(json: int, copy: int, _x: int, model_config: int, schema: int = 5) -> list[int]:
        return [json, copy, _x, model_config, schema]

    assert outcome(send, {"json": "1", "copy": "2", "_x": "3", "model_config": "4"}) == [1, 2, 3, 4, 5]


# Values


def test_values_are_converted_to_the_annotated_types() -> None:
    @task
    def send(
        number: int,
        share: float,
        flag: bool,
        day: date,
        at: datetime,
        price: Decimal,
        colour: Colour,
        key: uuid.UUID,
        names: set[str],
        pair: tuple[int, str],
        wait: timedelta,
        mode: Literal["fast", "slow"],
        order: Order,
        maybe: int | None = 3,
    ) -> None:
        assert (number, share, flag) == (17, 0.5, True)
        assert (day, at) == (date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, tzinfo=UTC))
        assert (price, colour) == (Decimal("9.90"), Colour.RED)
        assert isinstance(price, Decimal)
        assert key == uuid.UUID(int=1)
        assert (names, pair, wait, mode) == ({"a"}, (1, "x"), timedelta(minutes=1), "fast")
        assert order == Order(lines=[Line(sku="a", count=2)], placed=date(2026, 1, 1))
        assert maybe == 3

    payload = {
        "number": "17",
        "share": "0.5",
        "flag": "true",
        "day": "2026-01-02",
        "at": "2026-01-02T03:04:00Z",
        "price": "9.90",
        "colour": "red",
        "key": str(uuid.UUID(int=1)),
        "names": ["a", "a"],
        "pair": ["1", "x"],
        "wait": "PT1M",
        "mode": "fast",
        "order": {"lines": [{"sku": "a", "count": "2"}], "placed": "2026-01-01"},
    }
    outcome(send, payload)


@pytest.mark.parametrize(
    "value",
    [10**40, -(2**63), 0.1, 1e300, 5e-324, "", "ünï \N{SNOWMAN} \x00", [], {}, {"a": [{"b": None}]}, True, None],
)
def test_values_without_a_type_arrive_exactly(value: Any) -> None:
    @task
    def send(number: int, value: Any, untyped=None) -> None:  # type: ignore[no-untyped-def]
        assert (value, type(value)) == (untyped, type(untyped))

    outcome(send, {"number": 1, "value": value, "untyped": value})


def test_numbers_stay_exact_in_their_type() -> None:
    @task
    def send(big: int, small: float) -> None:
        assert (big, small) == (10**40 + 1, 0.1)

    outcome(send, {"big": 10**40 + 1, "small": 0.1})


def test_a_strict_model_takes_a_date_from_json() -> None:
    @task
    def send(order: Strict) -> None:
        assert order.placed == date(2026, 1, 1)

    outcome(send, {"order": {"placed": "2026-01-01"}})


def test_a_default_is_the_functions_and_is_not_converted() -> None:
    @task
    def send(width: int = "wide") -> Any:  # type: ignore[assignment]
        return width

    assert outcome(send, {}) == "wide"


def test_a_value_that_does_not_fit_is_refused_with_its_argument() -> None:
    @task
    def send(order_id: int, share: Annotated[float, Field(gt=0)], order: Order, name: str = "") -> None: ...

    payload = {"order_id": "x" * 80, "share": 0, "order": {"lines": [{"count": 1}], "placed": None}, "name": {"a": 1}}
    assert refusal(send, payload) == (
        "Task type send: order_id: Input should be a valid integer, unable to parse string as an integer "
        f"(got '{'x' * 56}…); share: Input should be greater than 0 (got 0); order.lines.0.sku: Field required; "
        "order.placed: Input should be a valid date (got None); name: Input should be a valid string"
    )


def test_many_errors_are_counted_and_not_all_told() -> None:
    @task
    def send(numbers: list[int]) -> None: ...

    text = refusal(send, {"numbers": ["x"] * 1000})
    assert text.count("valid integer") == 5
    assert text.endswith("; and 995 more")


def test_an_annotation_that_only_a_type_checker_knows_says_what_to_import() -> None:
    @task
    def send(when: Unheard) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(DeclarationError, match=r"name 'Unheard' is not defined\. Import the name at the top") as caught:
        outcome(send, {"when": 1})
    assert str(caught.value).startswith("Task 'send' (test_calling.py:")


def test_what_a_task_returns_may_be_known_to_a_type_checker_alone() -> None:
    @task
    def send(number: int) -> Unheard:  # type: ignore[name-defined]  # noqa: F821
        return number

    assert outcome(send, {"number": "1"}) == 1


def test_an_annotation_that_pydantic_cannot_convert_to_says_so() -> None:
    @task
    def send(thing: Missing) -> None: ...

    with pytest.raises(DeclarationError) as caught:
        outcome(send, {"thing": 1})
    assert "pydantic cannot convert to its annotations: Unable to generate pydantic-core schema" in str(caught.value)
    assert str(caught.value).endswith("Annotate what JSON can express, or a pydantic model.")


def test_a_conversion_is_prepared_once_a_task() -> None:
    prepared = []

    class Counting(BaseModel):
        @classmethod
        def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
            prepared.append(source)
            return handler(source)

    prepared.clear()

    def send(thing: Any) -> None: ...

    send.__annotations__["thing"] = Counting
    task(send)
    for _ in range(3):
        outcome(send, {"thing": {}})
    assert len(prepared) == 1


def test_binding_gives_the_arguments_without_a_call() -> None:
    @task
    def send(day: date, note: str = "") -> None:
        raise AssertionError("not called")

    assert bind(declaration_of(send), {"day": "2026-01-01"}) == {"day": date(2026, 1, 1)}


# Results


@dataclasses.dataclass
class Invoice:
    number: int
    day: date
    colour: Colour = Colour.RED


@pytest.mark.parametrize(
    ("result", "stored"),
    [
        (None, None),
        (5, 5),
        ("text", "text"),
        ([1, (2, 3)], [1, [2, 3]]),
        ({"a": {1: None}}, {"a": {"1": None}}),
        (Line(sku="a"), {"sku": "a", "count": 1}),
        ({"order": [Order(lines=[], placed=date(2026, 1, 1))]}, {"order": [{"lines": [], "placed": "2026-01-01"}]}),
        (Invoice(1, date(2026, 1, 1)), {"number": 1, "day": "2026-01-01", "colour": "red"}),
        (datetime(2026, 1, 1, 2, 3, tzinfo=UTC), "2026-01-01T02:03:00+00:00"),
        ([Decimal("9.90"), uuid.UUID(int=1), PurePosixPath("a/b")], ["9.90", str(uuid.UUID(int=1)), "a/b"]),
        ({"names": {"a"}, "frozen": frozenset()}, {"names": ["a"], "frozen": []}),
        (Colour.RED, "red"),
        (10**40, 10**40),
    ],
)
def test_a_result_becomes_json(result: Any, stored: Any) -> None:
    @task
    def give() -> Any:
        return result

    value = outcome(give, {})
    assert value == stored
    assert type(value) is type(stored)


def cyclic_list() -> Any:
    cycle: list[Any] = []
    cycle.append({"cycle": cycle})
    return cycle


def cyclic_dataclass() -> Any:
    invoice = Invoice(1, date(2026, 1, 1))
    invoice.number = invoice  # type: ignore[assignment]
    return invoice


def deep_list() -> Any:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    return deep


@pytest.mark.parametrize(
    "make",
    [
        cyclic_list,
        cyclic_dataclass,
        deep_list,
        object,
        lambda: b"bytes",
        lambda: Line,
        lambda: Invoice,
        lambda: {(1, 2): 3},
        lambda: [lambda: None],
        lambda: 10**5000,
        lambda: (number for number in range(3)),
    ],
)
def test_a_result_that_is_not_json_fails_the_task_for_good(make: Callable[[], Any]) -> None:
    @task
    def give() -> Any:
        return make()

    with pytest.raises(InvalidResult, match="The result is not JSON: "):
        outcome(give, {})


# Async tasks


def test_an_async_task_runs_to_its_end_and_knows_its_attempt() -> None:
    @task
    async def resize(width: int) -> list[Any]:
        await asyncio.sleep(0)
        return [width, current().task_id, await asyncio.to_thread(lambda: current().task_id)]

    assert outcome(resize, {"width": "8"}) == [8, "0" * 32, "0" * 32]


def test_a_wrapped_async_task_is_awaited_too() -> None:
    def plain_wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(**kwargs: Any) -> Any:
            return function(**kwargs)

        return wrapper

    @task
    @plain_wrapper
    async def resize(width: int) -> int:
        return width

    assert outcome(resize, {"width": "8"}) == 8


def test_an_async_task_is_cancelled_at_its_deadline_and_may_clean_up() -> None:
    cleaned = []

    @task
    async def resize() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    started = datetime.now(UTC)
    with pytest.raises(TimedOut, match=r"^The task was cancelled after 0\.[12] s: WorkerTimeout ended"):
        outcome(resize, {}, seconds=0.1)
    assert datetime.now(UTC) - started < timedelta(seconds=10)
    assert cleaned == [True]


def test_a_timeout_of_the_tasks_own_is_not_mistaken_for_the_deadline() -> None:
    @task
    async def fetch() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError) as caught:
        outcome(fetch, {})
    assert not isinstance(caught.value, TimedOut)


def test_what_an_async_task_leaves_running_ends_with_it() -> None:
    ended = []

    @task
    async def leave() -> str:
        async def forever() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(True)

        leave.background = asyncio.create_task(forever())  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        return "done"

    assert outcome(leave, {}) == "done"
    assert ended == [True]
