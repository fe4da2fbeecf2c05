"""Submit many payloads, several at a time, and know of each whether it was accepted."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ftask.aws.api import ApiClient
from ftask.core.errors import FtaskError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ftask.aws.api import Accepted
    from ftask.cli.payloads import Submission
    from ftask.render.screen import Screen

# Enough to hide the network, few enough for an account's fresh concurrency limit of ten.
AT_ONCE = 8


@dataclass(frozen=True)
class Submitted:
    """What was accepted, in order, and the first error if not everything was."""

    accepted: list[Accepted]
    error: FtaskError | None


def submit_all(client: ApiClient, submissions: Sequence[Submission], screen: Screen) -> Submitted:
    """Submit all; an error of one does not keep the others back.

    Every task gets an idempotency key, its own if none was given: a request that is sent again after
    a lost answer is then still one task.
    """

    def one(submission: Submission) -> Accepted | FtaskError:
        key = uuid.uuid4().hex if submission.key is None else submission.key
        try:
            return client.submit(submission.payload, key)
        except FtaskError as error:
            return error

    answers: list[Accepted | FtaskError] = []
    with ThreadPoolExecutor(min(AT_ONCE, len(submissions))) as threads:
        outcomes: Iterator[Accepted | FtaskError] = threads.map(one, submissions)
        try:
            answers.extend(screen.progress(outcomes, len(submissions), "submitting"))
        except KeyboardInterrupt:
            threads.shutdown(wait=True, cancel_futures=True)
            raise
    errors = [answer for answer in answers if isinstance(answer, FtaskError)]
    return Submitted(
        [answer for answer in answers if not isinstance(answer, FtaskError)], errors[0] if errors else None
    )
