"""Submit many payloads in batches, several at a time, and know of each whether it was accepted."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ftask.aws.api import Accepted, ApiClient, ApiError
from ftask.core.errors import FtaskError
from ftask.core.payload import MAX_BATCH_BYTES, MAX_BATCH_TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ftask.cli.payloads import Submission
    from ftask.render.screen import Screen

# Enough to hide the network, few enough for an account's fresh concurrency limit of ten.
BATCHES_AT_ONCE = 4
# Room for the frame and the key of each task.
_FRAME_BYTES = 400
_PAUSES_SECONDS = (0.5, 1.5, 4.0)

Outcome = Accepted | FtaskError


@dataclass
class Submitted:
    """What became of each submission, in order. A refused one is none of the API's; a failed one may be sent again."""

    accepted: list[Accepted] = field(default_factory=list)
    refused: list[tuple[Submission, ApiError]] = field(default_factory=list)
    failed: list[tuple[Submission, FtaskError]] = field(default_factory=list)

    def add(self, submission: Submission, outcome: Outcome) -> None:
        if isinstance(outcome, Accepted):
            self.accepted.append(outcome)
        elif isinstance(outcome, ApiError) and outcome.status < 500 and outcome.status not in (403, 429):
            self.refused.append((submission, outcome))
        else:
            self.failed.append((submission, outcome))


def submit_all(
    client: ApiClient,
    submissions: Sequence[Submission],
    screen: Screen,
    note: Callable[[list[tuple[str | None, str]]], None] = lambda _: None,
) -> Submitted:
    """Submit all; an error of one does not keep the others back. `note` is told of keys and ids, batch by batch.

    Every task gets an idempotency key, its own if none was given: a request that is sent again after
    a lost answer is then still one task.
    """
    keyed = [each if each.key is not None else replace(each, key=uuid.uuid4().hex) for each in submissions]
    done = Submitted()
    batches = list(_batches(keyed))

    def send(batch: Sequence[Submission]) -> list[tuple[Submission, Outcome]]:
        return list(zip(batch, _send(client, batch), strict=True))

    with ThreadPoolExecutor(BATCHES_AT_ONCE) as threads:
        outcomes = threads.map(send, batches)
        try:
            for answers in screen.counting(outcomes, len(keyed), "submitting", len):
                note([(sent.key, answer.task_id) for sent, answer in answers if isinstance(answer, Accepted)])
                for sent, answer in answers:
                    done.add(sent, answer)
        except KeyboardInterrupt:
            threads.shutdown(wait=True, cancel_futures=True)
            raise
    return done


def _send(client: ApiClient, batch: Sequence[Submission], pause: Callable[[float], None] = time.sleep) -> list[Outcome]:
    """What became of each task of a batch; those that the stage could not take just now are sent again."""
    if len(batch) == 1:
        return [_one(client, batch[0])]
    outcomes: list[Outcome] = _try(client, batch)
    for seconds in _PAUSES_SECONDS:
        again = [index for index, each in enumerate(outcomes) if isinstance(each, ApiError) and each.status == 503]
        if not again:
            break
        pause(seconds)
        for index, outcome in zip(again, _try(client, [batch[index] for index in again]), strict=True):
            outcomes[index] = outcome
    return outcomes


def _try(client: ApiClient, batch: Sequence[Submission]) -> list[Outcome]:
    try:
        return list(client.submit_many([(each.payload, str(each.key)) for each in batch]))
    except FtaskError as error:
        return [error] * len(batch)


def _one(client: ApiClient, submission: Submission) -> Outcome:
    try:
        return client.submit(submission.payload, str(submission.key))
    except FtaskError as error:
        return error


def _batches(submissions: Sequence[Submission]) -> Iterator[list[Submission]]:
    batch: list[Submission] = []
    size = 0
    for submission in submissions:
        own = len(submission.payload.encode()) + _FRAME_BYTES
        if batch and (len(batch) == MAX_BATCH_TASKS or size + own > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(submission)
        size += own
    if batch:
        yield batch
