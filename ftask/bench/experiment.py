"""Submit tasks as clients would, and follow every task to its end.

Submission is a closed loop (some clients, each sending its next request when the last one was answered) or an open loop
(arrivals at a rate and at random times, like those of many independent clients).
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, islice

from botocore.exceptions import EndpointConnectionError

from ftask.aws.api import ApiClient
from ftask.aws.errors import translate
from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.bench.machine import load_average
from ftask.bench.result import INTERRUPTED, TIMED_OUT, UNANSWERED
from ftask.client.answers import Accepted
from ftask.client.requests import TaskRequest
from ftask.client.transport import CONNECTIONS
from ftask.core.errors import FtaskError
from ftask.core.model import EXPERIMENT_TYPE, Status, Task
from ftask.core.payload import encode_payload
from ftask.core.timestamps import now
from ftask.ops import consumption
from ftask.submission.job import Job
from ftask.submission.watch import WaitProgress, Watcher, round_seconds

DEFAULT_CONCURRENCY = 8
DEFAULT_BATCH = 10
# After so long without any change, and with an empty queue, open tasks count as lost. AWS's counts are approximate
# and settle within about a minute.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/confirm-queue-is-empty.html
QUIET_SECONDS_AWS = 90.0
QUIET_SECONDS_EMULATED = 5.0


@dataclass(frozen=True)
class Settings:
    """What to submit, and how.

    With `rate`, that many tasks per second arrive, one by one. Without, `concurrency` clients run a closed loop of
    requests with `batch` tasks each. `seed` fixes the arrival times; `timeout_seconds` stops the run.
    """

    tasks: int
    message: str
    concurrency: int | None = DEFAULT_CONCURRENCY
    batch: int = 1
    rate: float | None = None
    seed: int = 0
    timeout_seconds: float | None = None


@dataclass(frozen=True)
class Sent:
    """One accepted task: when its request was sent, and how long the API took to accept it."""

    number: int
    task_id: str
    sent_at: datetime
    accepted_seconds: float


@dataclass(frozen=True)
class Progress:
    """How far a run has come: how many tasks are submitted and refused, and how far the submitted ones have come."""

    submitted: int
    refused: int
    tasks: WaitProgress


@dataclass
class Observed:
    """What happened in a run, so far.

    `stopped` is None, or why the run ended early: `INTERRUPTED`, `TIMED_OUT` or `UNANSWERED`, of which `failure` says
    why. `lost` are open tasks that nothing will end. `reads` counts requests to DynamoDB.
    """

    run_id: str
    started_at: datetime
    ended_at: datetime
    sent: list[Sent] = field(default_factory=list)
    refusals: list[FtaskError] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    lost: frozenset[str] = frozenset()
    stopped: str | None = None
    dead_letters_before: int = 0
    dead_letters_after: int = 0
    reads: int = 0
    failure: FtaskError | None = None
    load_before: float | None = None
    load_after: float | None = None


@dataclass
class Experiment:
    """One run: `run` drives it, `observed` is what happened so far."""

    stage: Stage
    client: ApiClient
    settings: Settings
    sleep: Callable[[float], None] = time.sleep
    tick: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.observed = Observed(secrets.token_hex(4), now(), now())
        self._new: list[str] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._arrivals = _arrivals(self.settings)
        self._next = iter(range(self.settings.tasks))
        self._watcher = Watcher(
            self.stage.target,
            self.stage.outputs.table,
            Job(),
            self.sleep,
            self.tick,
            planned=self.settings.tasks,
            # It was accepted: after a while it counts as lost.
            missing=lambda task_id: None,
        )

    def run(self, show: Callable[[Progress], None]) -> None:
        """Run to the end or to the time limit; call `show` after each look at the tasks.

        Ctrl-C (KeyboardInterrupt) stops submitting; open tasks are read once more. If the stage stops answering, the
        run ends at once with what was seen until then.

        Raises:
            FtaskError: consumption is paused, or AWS does not answer from the start.
        """
        if consumption.state(self.stage) != consumption.ENABLED:
            resume = command_on(self.stage.target, "resume")
            raise FtaskError("Consumption is paused, so no task would end.", f"Start it with: {resume}")
        seen = self.observed
        seen.dead_letters_before = self.stage.dead_letter_depth().total
        seen.load_before = load_average()
        self._give_up_early()
        seen.started_at, begun = now(), self.tick()
        clients = min(self.settings.concurrency or CONNECTIONS, CONNECTIONS)
        try:
            with ThreadPoolExecutor(clients) as threads:
                submitting = [threads.submit(self._submit, begun) for _ in range(clients)]
                try:
                    self._follow(submitting, show)
                except KeyboardInterrupt:
                    seen.stopped = INTERRUPTED
                finally:
                    self._stop.set()
                    # A request that is being tried again would only delay the end.
                    self.client.stopping.set()
            for client in submitting:
                client.result()
            if seen.stopped is not None:
                self._take_new()
                for changed in self._watcher.rounds(0):
                    self._keep(changed)
            seen.ended_at = now()
            seen.dead_letters_after = self._settled_letters()
        except FtaskError as error:
            seen.failure, seen.stopped, seen.ended_at = error, UNANSWERED, now()
        seen.sent.sort(key=lambda sent: sent.number)
        seen.reads, seen.load_after = self._watcher.requests, load_average()

    def _give_up_early(self) -> None:
        """Let an emulator that refuses connections end the run: it has ended, and the SDK would go on trying."""

        def give_up(caught_exception: Exception | None = None, **_: object) -> None:
            if isinstance(caught_exception, EndpointConnectionError):
                raise translate(caught_exception)

        if self.stage.target.is_emulated:
            for client in (self.stage.target.dynamodb, self.stage.target.sqs):
                client.meta.events.register_first("needs-retry", give_up)

    def _submit(self, begun: float) -> None:
        """Submit as one client until every task is sent or the run stops."""
        while not self._stop.is_set():
            with self._lock:
                numbers = list(islice(self._next, self.settings.batch))
            if not numbers:
                return
            if self._arrivals is not None:
                wait = begun + self._arrivals[numbers[0]] - self.tick()
                if self._stop.wait(max(0.0, wait)):
                    return
            self._send(numbers)

    def _send(self, numbers: Sequence[int]) -> None:
        seen, sent_at, start = self.observed, now(), self.tick()
        tasks = [
            TaskRequest(
                encode_task(self.settings.message, seen.run_id, number),
                f"bench-{seen.run_id}-{number}",
                EXPERIMENT_TYPE,
            )
            for number in numbers
        ]
        outcomes: list[Accepted | FtaskError] = []
        for part in self.client.submit_parts(tasks):
            outcomes += [part] * (len(tasks) - len(outcomes)) if isinstance(part, FtaskError) else part
        seconds = self.tick() - start
        with self._lock:
            for number, outcome in zip(numbers, outcomes, strict=True):
                if isinstance(outcome, FtaskError):
                    seen.refusals.append(outcome)
                else:
                    seen.sent.append(Sent(number, outcome.task_id, sent_at, seconds))
                    self._new.append(outcome.task_id)

    def _follow(self, submitting: list[Future[None]], show: Callable[[Progress], None]) -> None:
        last_change = self.tick()

        def all_sent() -> bool:
            return all(client.done() for client in submitting)

        def more_come() -> bool:
            is_done = all_sent()
            self._take_new()
            return not is_done or self._watcher.job.open_count > 0

        for changed in self._watcher.rounds(self.settings.timeout_seconds, more_come):
            self._keep(changed)
            with self._lock:
                counts = len(self.observed.sent), len(self.observed.refusals)
            show(Progress(*counts, self._watcher.progress))
            self._take_new()
            if changed or not all_sent() or not self._is_quiet():
                last_change = self.tick()
            elif self.tick() - last_change >= self._quiet_seconds:
                self.observed.lost = frozenset(self._watcher.job.watched(is_open=True))
                return
        if more_come():
            self.observed.stopped = TIMED_OUT

    def _is_quiet(self) -> bool:
        """Whether all open tasks were read without a change, none waits for its next attempt, and no message waits."""
        if self._watcher.unchanged_count < self._watcher.job.open_count:
            return False
        due = (task.next_attempt_at for task in self.observed.tasks.values() if not task.status.terminal)
        waits = any(moment is not None and moment > now() for moment in due)
        return not waits and self.stage.queue_depth().total == 0

    def _take_new(self) -> None:
        with self._lock:
            new, self._new = self._new, []
            self._watcher.planned = self.settings.tasks - len(self.observed.refusals)
        self._watcher.job.watch(new)

    def _keep(self, changed: Iterable[Task]) -> None:
        self.observed.tasks.update({task.task_id: task for task in changed})

    def _settled_letters(self) -> int:
        """Return the number of dead letters, once it has caught up with the failed tasks or the wait is over."""
        seen = self.observed
        expected = seen.dead_letters_before + sum(task.status is Status.FAILED for task in seen.tasks.values())
        deadline = self.tick() + self._quiet_seconds
        while True:
            letters = self.stage.dead_letter_depth().total
            if letters >= expected or self.tick() >= deadline or seen.stopped == INTERRUPTED:
                return letters
            self.sleep(round_seconds(self.stage.target))

    @property
    def _quiet_seconds(self) -> float:
        return self.stage.target.choose(aws=QUIET_SECONDS_AWS, emulator=QUIET_SECONDS_EMULATED)


def encode_task(message: str, run_id: str, number: int) -> str:
    """Return the payload of one task of a run."""
    return encode_payload({"message": message, "bench": run_id, "task": number})


def _arrivals(settings: Settings) -> list[float] | None:
    """Return when each task is sent, in seconds after the start: a Poisson process of the given rate."""
    if settings.rate is None:
        return None
    rng = random.Random(settings.seed)  # noqa: S311 - a seed repeats the arrival times, no secret
    return list(accumulate(rng.expovariate(settings.rate) for _ in range(settings.tasks)))
