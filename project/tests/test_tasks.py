"""The tasks as a worker runs them; nothing needs a stage."""

from ftask.testing import run

from tasks import greet, nap


def test_greet_says_the_name() -> None:
    assert run(greet, {"name": "Ada"}).result == {"text": "Hello, Ada!"}


def test_greet_without_a_name_fails_without_a_retry() -> None:
    assert run(greet, {}).permanent


def test_nap_returns_its_seconds() -> None:
    assert run(nap, {"seconds": 0}).result == 0
