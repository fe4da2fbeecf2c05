"""Hold what happened against what was expected. Pure: observations in, a result out."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, Literal

from ftask import __version__
from ftask.bench import stats
from ftask.bench.expectation import Expectation
from ftask.bench.experiment import Observed, Settings
from ftask.bench.result import (
    INTERRUPTED,
    SIGNIFICANCE,
    UNANSWERED,
    AttemptCount,
    Backoff,
    Bin,
    Cost,
    Delay,
    ErrorKind,
    Latency,
    LatencyByAttempts,
    Machine,
    Quantiles,
    Rate,
    Result,
    RunSettings,
    Samples,
    Share,
    StatesAt,
    Throughput,
)
from ftask.core.model import WORKER_LOST, Attempt, Failure, Outcome, Status, Task
from ftask.core.text import percent, plural
from ftask.core.timestamps import to_iso
from ftask.selection.error_kinds import error_kind

# Times and delays are stored in whole milliseconds: two of them, rounded, may differ by this much.
_ROUNDING_SECONDS = 0.0015
# The difference between two error rates that a run should be able to see.
DETECTABLE_DIFFERENCE = 0.05
_MAX_BINS = 60
_BIN_SECONDS = (0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)


def analyse(
    observed: Observed,
    settings: Settings,
    expectation: Expectation,
    parameters: Mapping[str, str],
    *,
    stage: str,
    region: str,
    cost: Cost | None,
    machine: Machine,
    notes: Sequence[str] = (),
) -> Result:
    """Return the result of a run."""
    tasks, sent = list(observed.tasks.values()), observed.sent
    ended = [task for task in tasks if task.status in (Status.COMPLETED, Status.FAILED)]
    by_status = Counter(task.status for task in tasks)
    failed = by_status[Status.FAILED]
    outcomes = Counter(attempt.outcome for task in tasks for attempt in task.history)
    finished = outcomes[Outcome.FAILED] + outcomes[Outcome.COMPLETED]
    tested = _tested(outcomes[Outcome.FAILED], finished, expectation.rate)
    rate = Rate(**tested, failed=outcomes[Outcome.FAILED], attempts=finished)
    share = Share(**_tested(failed, len(ended), expectation.failed_share))
    delays = _delays(tasks, expectation)
    over = sum(task.attempts > expectation.max_attempts for task in tasks)
    letters = max(0, observed.dead_letters_after - observed.dead_letters_before)
    open_count = len(sent) - sum(count for status, count in by_status.items() if status.terminal)
    begun = min((each.sent_at for each in sent), default=observed.started_at)
    throughput = _throughput(observed, tasks, begun)
    seconds = [0.0, *(interval.second + throughput.bin_seconds for interval in throughput.timeline)]
    start_seconds, end_seconds = [_start_seconds(task) for task in ended], [_end_seconds(task) for task in ended]
    by_attempts: dict[int, list[float]] = defaultdict(list)
    for task, end in zip(ended, end_seconds, strict=True):
        by_attempts[task.attempts].append(end)
    accepted_seconds = [each.accepted_seconds for each in sent]
    return Result(
        ftask_version=__version__,
        run_id=observed.run_id,
        stage=stage,
        region=region,
        started_at=to_iso(observed.started_at),
        ended_at=to_iso(observed.ended_at),
        stopped=observed.stopped,
        settings=RunSettings(
            **asdict(settings),
            error_rate=expectation.rate,
            max_attempts=expectation.max_attempts,
            backoff=Backoff(**asdict(expectation.policy)),
            parameters=dict(parameters),
        ),
        tasks=len(sent),
        refused=len(observed.refusals),
        completed=by_status[Status.COMPLETED],
        failed=failed,
        cancelled=by_status[Status.CANCELLED],
        open=open_count - len(observed.lost),
        lost=len(observed.lost),
        lost_attempts=outcomes[Outcome.LOST],
        over_attempts=over,
        dead_letters=letters,
        attempt_error_rate=rate,
        failed_share=share,
        attempts=_attempt_counts(ended, expectation),
        delays=delays,
        verdict=_verdict(rate, share, complete=open_count == 0 and bool(ended)),
        broken=_broken(observed, failed, letters, over, delays),
        notes=[*_notes(observed, letters, by_status, rate, expectation), *notes],
        latency=Latency(
            submit=quantiles(accepted_seconds),
            submit_to_start=quantiles(start_seconds),
            submit_to_end=[
                LatencyByAttempts(attempts=attempts, seconds=found)
                for attempts, ends in sorted(by_attempts.items())
                if (found := quantiles(ends))
            ],
        ),
        throughput=throughput,
        cost=cost,
        status_reads=observed.reads,
        samples=Samples(
            submit_seconds=[round(each, 4) for each in accepted_seconds],
            start_seconds=[round(each, 3) for each in start_seconds],
            end_seconds=[round(each, 3) for each in end_seconds],
            end_attempts=[task.attempts for task in ended],
        ),
        states=_states(observed, begun, seconds),
        errors=_errors(tasks),
        machine=machine,
    )


def _tested(failed: int, total: int, expected: float) -> dict[str, Any]:
    low, high = stats.wilson(failed, total)
    return {
        "observed": failed / total if total else None,
        "expected": expected,
        "low": low,
        "high": high,
        "p_value": stats.binomial_test(failed, total, expected),
    }


def _attempt_counts(ended: Sequence[Task], expectation: Expectation) -> list[AttemptCount]:
    counts = Counter(task.attempts for task in ended)
    most = max([expectation.max_attempts, *counts])
    return [
        AttemptCount(
            attempts=number,
            tasks=counts[number],
            expected=len(ended) * expectation.share_with(number) if number <= expectation.max_attempts else 0.0,
        )
        for number in range(1, most + 1)
    ]


def _delays(tasks: Iterable[Task], expectation: Expectation) -> list[Delay]:
    chosen: dict[int, list[float]] = defaultdict(list)
    late: dict[int, list[float]] = defaultdict(list)
    for task in tasks:
        for attempt, following in zip_longest(task.history, task.history[1:]):
            if attempt.backoff_seconds is None:
                continue
            chosen[attempt.number].append(attempt.backoff_seconds)
            if following is not None and attempt.ended_at is not None:
                due = attempt.ended_at + timedelta(seconds=attempt.backoff_seconds)
                late[attempt.number].append((following.started_at - due).total_seconds())
    delays = []
    for number, seconds in sorted(chosen.items()):
        low, high = expectation.delay_bounds(number)
        delays.append(
            Delay(
                after_attempt=number,
                count=len(seconds),
                rule_low=low,
                rule_high=high,
                shortest=min(seconds),
                longest=max(seconds),
                outside=sum(not low - _ROUNDING_SECONDS <= each <= high + _ROUNDING_SECONDS for each in seconds),
                too_early=sum(lateness < -_ROUNDING_SECONDS for lateness in late[number]),
                lateness=quantiles(late[number]),
            )
        )
    return delays


def _broken(observed: Observed, failed: int, letters: int, over: int, delays: Sequence[Delay]) -> list[str]:
    example = min(observed.lost, default="")
    rules = [
        (len(observed.lost), "task", f"lost: accepted but never ended, for example {example}"),
        (over, "task", "with more attempts than allowed"),
        (sum(delay.outside for delay in delays), "delay", "that the backoff rule does not allow"),
        (sum(delay.too_early for delay in delays), "attempt", "that began before the backoff was over"),
    ]
    broken = [f"{plural(count, noun)} {what}" for count, noun, what in rules if count]
    if letters < failed and observed.stopped not in (INTERRUPTED, UNANSWERED):
        broken.append(f"{plural(letters, 'dead letter')} for {plural(failed, 'failed task')}")
    return broken


def _notes(
    observed: Observed, letters: int, by_status: Counter[Status], rate: Rate, expectation: Expectation
) -> list[str]:
    surplus, refusals = letters - by_status[Status.FAILED], observed.refusals
    notes = []
    if surplus > 0:
        notes.append(
            f"{plural(surplus, 'dead letter')} more than failed tasks: other tasks failed during the run, or a worker"
            " died after sending a letter and before storing FAILED (a redrive discards it)"
        )
    if cancelled := by_status[Status.CANCELLED]:
        notes.append(f"{plural(cancelled, 'task')} cancelled during the run and left out of the statistics")
    if refusals:
        notes.append(f"{plural(len(refusals), 'submission')} refused, first: {refusals[0].message.rstrip('.')}")
    other = expectation.rate - DETECTABLE_DIFFERENCE
    # Up to 5 % and at 100 % there is no such rate, or nothing varies.
    if 0 < other < expectation.rate < 1:
        trials = stats.required_trials(expectation.rate, other, SIGNIFICANCE)
        required = math.ceil(trials / expectation.mean_attempts)
        if rate.attempts < required * expectation.mean_attempts:
            notes.append(
                f"too few tasks to distinguish {percent(expectation.rate)} from {percent(other)}: that takes about"
                f" {required:,} tasks"
            )
    return notes


def _verdict(rate: Rate, share: Share, *, complete: bool) -> Literal["consistent", "not consistent", "incomplete"]:
    if not complete:
        # Tasks that fail less often end earlier, so half a run is not a fair sample of the whole.
        return "incomplete"
    # Two tests, each at half the level: together they are wrong no more often than the level says.
    surprising = min(rate.p_value, share.p_value) < SIGNIFICANCE / 2
    return "not consistent" if surprising else "consistent"


def quantiles(values: Iterable[float]) -> Quantiles | None:
    """Return the usual quantiles; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    p50, p90, p99, top = (round(stats.quantile(ordered, share), 4) for share in (0.5, 0.9, 0.99, 1.0))
    return Quantiles(count=len(ordered), p50=p50, p90=p90, p99=p99, max=top)


def _start_seconds(task: Task) -> float:
    return (task.history[0].started_at - task.created_at).total_seconds()


def _end_seconds(task: Task) -> float:
    return (task.updated_at - task.created_at).total_seconds()


def _throughput(observed: Observed, tasks: Sequence[Task], begun: datetime) -> Throughput:
    ends = [task.updated_at for task in tasks if task.status.terminal]
    accepted = [sent.sent_at + timedelta(seconds=sent.accepted_seconds) for sent in observed.sent]
    seconds = max(0.001, (max(ends, default=observed.ended_at) - begun).total_seconds())
    submitting = (max(accepted) - begun).total_seconds() if accepted else 0.0
    # A round width that makes at most sixty bins.
    hours = math.ceil(seconds / _MAX_BINS / 3600)
    width = float(next((width for width in _BIN_SECONDS if seconds / width <= _MAX_BINS), hours * 3600))
    count = math.floor(seconds / width) + 1

    def binned(moments: Iterable[datetime]) -> Counter[int]:
        # A clock of AWS may be a little behind the client's.
        return Counter(min(count - 1, max(0, int((moment - begun).total_seconds() / width))) for moment in moments)

    accepted_in, ended_in = binned(accepted), binned(ends)
    waits = (sum(attempt.backoff_seconds or 0.0 for attempt in task.history) for task in tasks)
    return Throughput(
        seconds=round(seconds, 3),
        tasks_per_second=round(len(ends) / seconds, 3),
        accepted_per_second=round(len(accepted) / submitting, 3) if submitting > 0 else None,
        backoff_seconds=round(max(waits, default=0.0), 3),
        bin_seconds=width,
        timeline=[
            Bin(second=number * width, accepted=accepted_in[number], ended=ended_in[number]) for number in range(count)
        ],
    )


def _states(observed: Observed, begun: datetime, seconds: Sequence[float]) -> list[StatesAt]:
    """Return the number of tasks in each state at each of these `seconds` after `begun`, which ascend."""
    changes: list[tuple[float, Status | None, Status]] = []
    for sent in observed.sent:
        before, entered = None, 0.0
        for moment, status in _course(observed.tasks.get(sent.task_id), sent.sent_at):
            # The clocks of the client and of AWS may differ, but a task's states follow each other.
            entered = max(entered, (moment - begun).total_seconds())
            changes.append((entered, before, status))
            before = status
    changes.sort(key=lambda change: change[0], reverse=True)
    counts: Counter[Status | None] = Counter()
    states = []
    for second in seconds:
        while changes and changes[-1][0] <= second:
            _, before, after = changes.pop()
            counts[before] -= 1
            counts[after] += 1
        states.append(StatesAt(second=second, **{status.lower(): counts[status] for status in Status}))
    return states


def _course(task: Task | None, sent_at: datetime) -> Iterator[tuple[datetime, Status]]:
    """Yield each state that a task entered, and when, in order."""
    yield (sent_at if task is None else min(sent_at, task.created_at)), Status.PENDING
    if task is None:
        return
    for attempt in task.history:
        yield attempt.started_at, Status.PROCESSING
        # The last failure is followed by FAILED at the same moment.
        if attempt.ended_at is not None and attempt.outcome is Outcome.FAILED:
            yield attempt.ended_at, Status.RETRYING
    if task.status.terminal:
        yield task.updated_at, task.status


def _errors(tasks: Iterable[Task]) -> list[ErrorKind]:
    """Return the errors of the attempts by kind, the most frequent first."""
    attempts: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    examples: dict[str, Failure] = {}
    for task in tasks:
        errors = list(filter(None, map(_error, task.history)))
        kinds = list(map(error_kind, errors))
        attempts.update(kinds)
        failed.update(kinds[-1:] if task.status is Status.FAILED else ())
        examples = dict(zip(kinds, errors, strict=True)) | examples
    return [
        ErrorKind(type=examples[kind].type, example=examples[kind].message, attempts=attempts[kind], tasks=failed[kind])
        for kind in sorted(examples, key=lambda kind: (-attempts[kind], kind))
    ]


def _error(attempt: Attempt) -> Failure | None:
    if attempt.error is None and attempt.outcome is Outcome.LOST:
        return Failure(WORKER_LOST, "the worker ended without reporting")
    return attempt.error
