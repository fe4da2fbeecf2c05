from __future__ import annotations

import pytest

from ftask.aws.errors import UnreachableError
from ftask.aws.target import Target
from ftask.client.errors import ApiError
from ftask.core.errors import FtaskError
from ftask.deploy.api_check import AWS_PATIENCE_SECONDS, await_api
from tests.support.clock import VirtualTime

ON_AWS = Target("prod", region="eu-west-1")


class Api:
    """Answers with each of these in turn, the last one for ever; None is the document."""

    def __init__(self, *answers: FtaskError | None) -> None:
        self.answers = list(answers)
        self.time = VirtualTime()
        self.notes: list[str] = []

    def ask(self) -> None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer

    def awaited(self, *, tokens: bool = False) -> FtaskError | None:
        return await_api(
            ON_AWS,
            "",
            tokens=tokens,
            note=self.notes.append,
            ask=self.ask,
            sleep=self.time.sleep,
            clock=self.time.clock,
        )


def refusal(status: int) -> ApiError:
    return ApiError(status, f"HTTP {status}")


def test_an_api_that_answers_is_not_waited_for() -> None:
    api = Api(None)
    assert api.awaited() is None
    assert (api.time.pauses, api.notes) == ([], [])


@pytest.mark.parametrize("early", [refusal(403), refusal(404), refusal(500), refusal(401), UnreachableError("no name")])
def test_what_a_fresh_api_answers_is_waited_out(early: FtaskError) -> None:
    api = Api(early, early, early, None)
    assert api.awaited() is None
    assert len(api.time.pauses) == 3
    assert api.notes == ["Waiting until the API answers."]


def test_the_wait_ends_and_says_what_the_api_answered_last() -> None:
    last = refusal(403)
    api = Api(refusal(404), last)
    assert api.awaited() is last
    assert api.time.seconds == AWS_PATIENCE_SECONDS


def test_an_api_for_bearer_tokens_answers_when_it_asks_for_one() -> None:
    assert Api(refusal(401)).awaited(tokens=True) is None
    assert Api(refusal(401)).awaited(tokens=False) is not None


def test_an_api_that_throttles_is_there() -> None:
    assert Api(refusal(429)).awaited() is None
