"""`@task`: what it leaves alone, what it notes, and the sentence for each wrong declaration."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import AsyncIterator, Callable, Iterator
from random import Random
from typing import Any

import pytest

from ftask.core.errors import FtaskError
from ftask.core.manifest import Argument, Options, TypeSchedule
from ftask.core.retry import RetryPolicy
from ftask.tasks.declaration import Registry, declaration_of, fresh_registry, registered, task
from ftask.tasks.errors import DeclarationError

untyped_task: Any = task


def test_a_task_stays_the_function_that_it_was() -> None:
    def send_invoice(order_id: int, email: str = "a@b.c") -> str:
        """Send the invoice."""
        return f"{order_id} {email}"

    assert task(send_invoice) is send_invoice
    assert send_invoice(17) == "17 a@b.c"
    assert (send_invoice.__name__, send_invoice.__doc__) == ("send_invoice", "Send the invoice.")
    assert str(inspect.signature(send_invoice)) == "(order_id: 'int', email: 'str' = 'a@b.c') -> 'str'"


@pytest.mark.parametrize("decorate", [task(), task(max_attempts=3)])
def test_options_in_brackets_leave_it_the_same_function_too(decorate: Callable[[Any], Any]) -> None:
    def plain() -> None: ...

    assert decorate(plain) is plain


def test_a_declaration_notes_name_arguments_doc_and_options(registry: Registry) -> None:
    @task(name="orders.invoice", max_attempts=5, backoff=(2, 300), jitter=True, default=True)
    def send_invoice(order_id: int, *, note=None, when: object = object(), **rest: Any) -> None:  # type: ignore[no-untyped-def]
        """Send the invoice of an order.

        By e-mail.
        """

    declared = declaration_of(send_invoice).type
    assert declared.name == "orders.invoice"
    assert declared.doc == "Send the invoice of an order."
    assert declared.arguments == (
        Argument("order_id", required=True, annotation="int"),
        Argument("note", required=False, default="null"),
        Argument("when", required=False, annotation="object"),
    )
    assert declared.accepts_more
    assert declared.is_default
    assert declared.options == Options(max_attempts=5, backoff=(2, 300), jitter=True)
    assert registry.find("orders.invoice") is declaration_of(send_invoice)
    assert registry.names == ["orders.invoice"]


def test_without_options_all_is_left_to_the_stack() -> None:
    @task
    def plain() -> None: ...

    declared = declaration_of(plain).type
    assert declared.options == Options(None, None, None, None)
    assert not declared.is_default
    assert (declared.doc, declared.arguments, declared.accepts_more) == ("", (), False)


@pytest.mark.parametrize(
    ("options", "delays"),
    [
        (Options(), [3, 6, 12, 20]),
        (Options(backoff=(1, 5)), [1, 2, 4, 5]),
        (Options(backoff=(0, 0)), [0, 0, 0, 0]),
    ],
)
def test_the_backoff_is_the_types_own_or_the_stacks(options: Options, delays: list[float]) -> None:
    policy = options.retry_policy(RetryPolicy(3, 20))
    assert [policy.delay_seconds(attempt, Random(1)) for attempt in range(1, 5)] == delays


@pytest.mark.parametrize(("own", "stack", "jitter"), [(None, True, True), (False, True, False), (True, False, True)])
def test_jitter_is_the_types_own_or_the_stacks(own: bool | None, stack: bool, jitter: bool) -> None:
    assert Options(jitter=own).retry_policy(RetryPolicy(jitter=stack)).jitter is jitter


@pytest.mark.parametrize(
    "options",
    [
        {"max_attempts": 1},
        {"max_attempts": 100},
        {"backoff": (0, 0)},
        {"backoff": [0.5, 900]},
        {"backoff": (900, 900)},
        {"name": "_"},
        {"name": "a" * 64},
        {"name": "Orders.send-invoice_2"},
    ],
)
def test_values_at_the_edge_of_their_range_are_fine(options: dict[str, Any]) -> None:
    untyped_task(**options)(lambda: None) if "name" in options else untyped_task(**options, name="f")(lambda: None)
    assert len(registered()) == 1


def test_an_async_task_may_have_a_timeout() -> None:
    @task(timeout=20)
    async def resize(image: str) -> None: ...

    assert declaration_of(resize).is_async
    assert declaration_of(resize).type.options.timeout_seconds == 20


def test_a_decorated_function_is_declared_with_the_parameters_it_shows() -> None:
    def logged(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @task
    @logged
    def send(order_id: int) -> None: ...

    assert declaration_of(send).type.arguments == (Argument("order_id", annotation="int"),)


def test_the_same_lines_executed_again_replace_their_task(registry: Registry) -> None:
    """As a reload does, or an import of the same file under another name."""

    def declare() -> Callable[[], None]:
        @task(default=True)
        def again() -> None: ...

        return again

    declare()
    second = declare()
    assert [declaration.function for declaration in registry] == [second]


def test_a_loop_declares_a_task_a_round(registry: Registry) -> None:
    for kind in ("mail", "sms"):

        @task(name=f"send_{kind}")
        def send() -> None: ...

    assert registry.names == ["send_mail", "send_sms"]


def test_a_fresh_registry_takes_declarations_and_gives_the_earlier_ones_back(registry: Registry) -> None:
    @task
    def outer() -> None: ...

    with fresh_registry() as inside:
        task(name="inner")(lambda: None)
        assert registered() is inside
        assert inside.names == ["inner"]
    assert registered() is registry
    assert registry.names == ["outer"]


def plain() -> None: ...


async def coroutine() -> None: ...


def refusal(decorate: Callable[[], Any]) -> str:
    """The sentence that refuses a declaration, with the line of this file left open."""
    with pytest.raises(DeclarationError) as caught:
        decorate()
    # At import, Python prints the exception's text alone.
    assert str(caught.value) == caught.value.message
    return re.sub(r"test_declaration\.py:\d+", "tasks.py:N", str(caught.value))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"max_attempt": 3},
            (
                "Unknown option 'max_attempt' for @task; did you mean 'max_attempts'? "
                "Options: name, max_attempts, backoff, jitter, timeout, isolated, default, cron, timezone, every, "
                "overlap, catch_up."
            ),
        ),
        (
            {"colour": "red"},
            (
                "Unknown option 'colour' for @task. "
                "Options: name, max_attempts, backoff, jitter, timeout, isolated, default, cron, timezone, every, "
                "overlap, catch_up."
            ),
        ),
        *(
            (
                {"max_attempts": value},
                f"Task 'plain' (tasks.py:N): invalid max_attempts={value!r}: write a whole number from 1 to 100.",
            )
            for value in (0, 101, -1, 2.0, True, "3")
        ),
        *(
            (
                {"backoff": value},
                (
                    f"Task 'plain' (tasks.py:N): invalid backoff={value!r}: "
                    "write (base_seconds, cap_seconds), like backoff=(2, 300)."
                ),
            )
            for value in (2, (2,), (1, 2, 3), ("2", "300"), (float("nan"), 3), (True, 3), "23")
        ),
        *(
            (
                {"backoff": value},
                f"Task 'plain' (tasks.py:N): invalid backoff={value!r}: both must be from 0 to 86400 seconds.",
            )
            for value in ((-1, 3), (2, 86401))
        ),
        (
            {"backoff": (300, 2)},
            (
                "Task 'plain' (tasks.py:N): invalid backoff=(300, 2): the base is greater than the cap. "
                "Write backoff=(2, 300)."
            ),
        ),
        *(
            ({name: value}, f"Task 'plain' (tasks.py:N): invalid {name}={value!r}: write True or False.")
            for name, value in (("jitter", "yes"), ("default", 1), ("default", "plain"))
        ),
        *(
            (
                {"timeout": value},
                f"Task 'plain' (tasks.py:N): invalid timeout={value!r}: write seconds, more than 0 and at most 1800.",
            )
            for value in (0, -1, 1801, "20", float("inf"), float("nan"), True)
        ),
        (
            {"timeout": 20},
            (
                "Task 'plain' (tasks.py:N): timeout=20 cannot be enforced, because a function that shares its process "
                "with other tasks cannot be stopped. Write async def, or add isolated=True."
            ),
        ),
        *(
            (
                {"name": name},
                (
                    f"Task 'plain' (tasks.py:N): invalid task name {name!r}: start with a letter or '_', go on with "
                    "letters, digits, '_', '.' and '-', and use at most 64 characters."
                ),
            )
            for name in ("send invoice", "", "1st", "-a", "a" * 65, "größe", "a\n", 5)
        ),
        (
            {"name": "experiment"},
            (
                "Task 'plain' (tasks.py:N): the task name 'experiment' is reserved for the built-in experiment. "
                'Rename the function, or write @task(name="another_name").'
            ),
        ),
    ],
)
def test_a_wrong_option_is_refused_with_what_to_write(options: dict[str, Any], sentence: str) -> None:
    assert refusal(lambda: untyped_task(**options)(plain)) == sentence


@pytest.mark.parametrize("arguments", [("send",), (None,), (5,), (plain, plain)])
def test_options_by_position_are_refused(arguments: tuple[Any, ...]) -> None:
    assert (
        refusal(lambda: untyped_task(*arguments))
        == f"@task takes its options by name, not {arguments[-1]!r}: write @task(name=...)."
    )


def test_a_function_beside_options_is_refused() -> None:
    assert refusal(lambda: untyped_task(plain, max_attempts=3)).startswith("@task takes its options by name, not <func")


def test_two_tasks_of_a_name_are_refused_with_both_places() -> None:
    def second() -> None: ...

    task(name="send")(plain)
    assert refusal(lambda: task(name="send")(second)) == (
        "Two tasks are named 'send': tasks.py:N and tasks.py:N. Rename one function, or write "
        '@task(name="another_name").'
    )


def test_two_tasks_of_a_name_are_refused_below_the_same_decorator_too() -> None:
    def logged(function: Callable[[], None]) -> Callable[[], None]:
        @functools.wraps(function)
        def wrapper() -> None:
            function()

        return wrapper

    task(logged(first_send()))
    assert refusal(lambda: task(logged(second_send()))).startswith("Two tasks are named 'send': tasks.py:N and ")


def first_send() -> Callable[[], None]:
    def send() -> None: ...

    send.__qualname__ = "send"
    return send


def second_send() -> Callable[[], None]:
    def send() -> None: ...

    send.__qualname__ = "send"
    return send


def test_two_defaults_are_refused_with_both_places(registry: Registry) -> None:
    def second() -> None: ...

    task(default=True)(plain)
    assert refusal(lambda: task(default=True)(second)) == (
        "Two tasks are declared default=True: 'plain' (tasks.py:N) and 'second' (tasks.py:N). Keep it on one of them."
    )
    assert registry.names == ["plain"]


def test_positional_only_arguments_are_refused() -> None:
    def send(order_id: int, /, email: str) -> None: ...

    assert refusal(lambda: task(send)) == (
        "Task 'send' (tasks.py:N): the argument 'order_id' is positional-only, but a payload's keys are keyword "
        "arguments. Remove the '/' from the parameters."
    )


def test_an_argument_list_is_refused() -> None:
    def send(*orders: int) -> None: ...

    assert refusal(lambda: task(send)) == (
        "Task 'send' (tasks.py:N): '*orders' takes positional arguments, but a payload's keys are keyword arguments. "
        "Write a list, like orders: list. If another decorator hides the parameters, use functools.wraps in it."
    )


def test_generators_are_refused() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    rest = "a generator returns before its work is done. Return the result instead of yielding it."
    for function in (numbers, later):
        assert refusal(lambda function=function: task(function)) == (  # type: ignore[misc]
            f"@task cannot decorate {function.__qualname__}(): {rest}"
        )


def test_classes_are_refused() -> None:
    class Invoice:
        pass

    assert refusal(lambda: task(Invoice)) == (
        "@task cannot decorate the class Invoice. Write a function that uses the class."
    )


def test_functions_of_a_class_are_refused() -> None:
    class Shop:
        def send(self) -> None: ...

    move = "a task is called without an object. Move the function out of its class."
    method = Shop.send
    assert refusal(lambda: task(method)) == f"@task cannot decorate {method.__qualname__}(): {move}"
    for wrapped in (staticmethod(plain), classmethod(lambda cls: None), property(lambda self: None)):
        assert (
            refusal(lambda wrapped=wrapped: untyped_task(wrapped))  # type: ignore[misc]
            == f"@task cannot decorate a {type(wrapped).__name__}: {move}"
        )


@pytest.mark.parametrize("thing", [print, functools.partial(plain), functools.cache(plain), Random(1).random])
def test_what_is_callable_but_not_a_function_is_refused(thing: Any) -> None:
    sentence = refusal(lambda: task(thing))
    assert sentence.startswith("@task cannot decorate ")
    assert sentence.endswith(". Write a function: def or async def.")


def test_a_refused_declaration_declares_nothing(registry: Registry) -> None:
    def send() -> None: ...

    with pytest.raises(DeclarationError):
        task(max_attempts=0)(send)
    assert registry.names == []
    with pytest.raises(FtaskError, match=r"send\(\) is not a task"):
        declaration_of(send)


def test_a_lambda_needs_a_name() -> None:
    assert "invalid task name '<lambda>'" in refusal(lambda: task(lambda: None))


def report() -> None:
    """Send the report."""


def scheduled(**options: Any) -> TypeSchedule | None:
    return declaration_of(untyped_task(**options)(report)).type.options.schedule


def test_a_schedule_is_part_of_the_type() -> None:
    assert scheduled(cron="0 6 * * ? *", timezone="Europe/Kyiv", catch_up=True) == TypeSchedule(
        "0 6 * * ? *", "Europe/Kyiv", catch_up=True
    )
    assert scheduled(every="15m", overlap="queue") == TypeSchedule(every="15m", overlap="queue")
    assert scheduled(cron="0 6 * * ? *") == TypeSchedule("0 6 * * ? *")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"cron": "0 25 * * ? *"},
            "Invalid cron '0 25 * * ? *': '25' at character 3: hours must be from 0 to 23.",
        ),
        ({"every": "90s"}, "Invalid interval '90s': expected minutes, hours or days, at most 366 days."),
        ({"cron": "0 6 * * ? *", "every": "1d"}, "A schedule has either cron or every."),
        ({"cron": "0 6 * * ? *", "timezone": "Kyiv"}, "Unknown time zone 'Kyiv'."),
        ({"every": "1d", "timezone": "Europe/Kyiv"}, "every=… has no time zone."),
        ({"cron": 5}, "invalid cron=5: write a text."),
        ({"every": "1d", "overlap": "wait"}, 'invalid overlap=\'wait\': write "skip" or "queue".'),
        ({"every": "1d", "catch_up": 1}, "invalid catch_up=1: write True or False."),
        ({"catch_up": True}, 'catch_up has no effect without cron or every. Write cron="0 6 * * ? *".'),
        ({"timezone": "Europe/Kyiv"}, 'timezone has no effect without cron or every. Write cron="0 6 * * ? *".'),
    ],
)
def test_a_wrong_schedule_is_refused_with_its_place(options: dict[str, Any], sentence: str) -> None:
    refused = refusal(lambda: untyped_task(**options)(report))
    assert refused.partition("\n")[0] == f"Task 'report' (tasks.py:N): {sentence}"


def test_a_scheduled_task_needs_no_arguments() -> None:
    def send(order_id: int) -> None: ...

    assert refusal(lambda: untyped_task(every="1d")(send)) == (
        "Task 'send' (tasks.py:N): a schedule gives no arguments, and 'order_id' is required. Give it a default, or "
        "remove cron or every."
    )
