"""Hold what happened against what was expected. Pure: observations in, a result out."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from ftask import __version__
from ftask.bench import stats
from ftask.bench.error_kinds import error_kinds
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
from ftask.bench.states import states_over_time
from ftask.core.model import Attempt, Outcome, Status, Task
from ftask.core.text import percent, plural
from ftask.core.timestamps import to_iso

# Times and delays are stored in whole milliseconds: two of them, rounded, may differ by this much.
_ROUNDING_SECONDS = 0.0015
# The difference between two error rates that a run should be able to see.
DETECTABLE_DIFFERENCE = 0.05
_MAX_BINS = 60


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
    tasks = list(observed.tasks.values())
    ended = [task for task in tasks if task.status in (Status.COMPLETED, Status.FAILED)]
    by_status = Counter(task.status for task in tasks)
    attempts = [attempt for task in tasks for attempt in task.history]
    rate = _rate(attempts, expectation)
    share = _share(by_status[Status.FAILED], len(ended), expectation)
    delays = _delays(tasks, expectation)
    over = sum(task.attempts > expectation.max_attempts for task in tasks)
    letters = max(0, observed.dead_letters_after - observed.dead_letters_before)
    open_tasks = len(observed.sent) - sum(count for status, count in by_status.items() if status.terminal)
    broken = _broken(observed, by_status[Status.FAILED], letters, over, delays)
    throughput = _throughput(observed, tasks)
    return Result(
        ftask_version=__version__,
        run_id=observed.run_id,
        stage=stage,
        region=region,
        started_at=to_iso(observed.started_at),
        ended_at=to_iso(observed.ended_at),
        stopped=observed.stopped,
        settings=_settings(settings, expectation, parameters),
        tasks=len(observed.sent),
        refused=len(observed.refusals),
        completed=by_status[Status.COMPLETED],
        failed=by_status[Status.FAILED],
        cancelled=by_status[Status.CANCELLED],
        open=open_tasks - len(observed.lost),
        lost=len(observed.lost),
        lost_attempts=sum(attempt.outcome is Outcome.LOST for attempt in attempts),
        over_attempts=over,
        dead_letters=letters,
        attempt_error_rate=rate,
        failed_share=share,
        attempts=_attempt_counts(ended, expectation),
        delays=delays,
        verdict=_verdict(rate, share, complete=open_tasks == 0 and bool(ended)),
        broken=broken,
        notes=[*_notes(observed, letters, by_status, rate, expectation), *notes],
        latency=_latency(observed, ended),
        throughput=throughput,
        cost=cost,
        status_reads=observed.reads,
        samples=_samples(observed, ended),
        states=_states(observed, throughput),
        errors=error_kinds(tasks),
        machine=machine,
    )


def _states(observed: Observed, throughput: Throughput) -> list[StatesAt]:
    width = throughput.bin_seconds
    seconds = [0.0, *(interval.second + width for interval in throughput.timeline)]
    return states_over_time(observed.sent, observed.tasks, _begun(observed), seconds)


def _settings(settings: Settings, expectation: Expectation, parameters: Mapping[str, str]) -> RunSettings:
    policy = expectation.policy
    return RunSettings(
        tasks=settings.tasks,
        message=settings.message,
        concurrency=settings.concurrency if settings.rate is None else None,
        batch=settings.batch,
        rate=settings.rate,
        seed=settings.seed,
        error_rate=expectation.rate,
        max_attempts=expectation.max_attempts,
        backoff=Backoff(base_seconds=policy.base_seconds, cap_seconds=policy.cap_seconds, jitter=policy.jitter),
        parameters=dict(parameters),
    )


def _rate(attempts: Iterable[Attempt], expectation: Expectation) -> Rate:
    outcomes = Counter(attempt.outcome for attempt in attempts)
    failed = outcomes[Outcome.FAILED]
    total = failed + outcomes[Outcome.COMPLETED]
    low, high = stats.wilson(failed, total)
    return Rate(
        observed=failed / total if total else None,
        expected=expectation.rate,
        low=low,
        high=high,
        failed=failed,
        attempts=total,
        p_value=stats.binomial_test(failed, total, expectation.rate),
    )


def _share(failed: int, ended: int, expectation: Expectation) -> Share:
    low, high = stats.wilson(failed, ended)
    return Share(
        observed=failed / ended if ended else None,
        expected=expectation.failed_share,
        low=low,
        high=high,
        p_value=stats.binomial_test(failed, ended, expectation.failed_share),
    )


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
        for attempt in task.history:
            if attempt.backoff_seconds is not None:
                chosen[attempt.number].append(attempt.backoff_seconds)
        for attempt, following in pairwise(task.history):
            if attempt.backoff_seconds is not None and attempt.ended_at is not None:
                due = attempt.ended_at + timedelta(seconds=attempt.backoff_seconds)
                late[attempt.number].append((following.started_at - due).total_seconds())
    return [_delay(number, chosen[number], late[number], expectation) for number in sorted(chosen)]


def _delay(number: int, chosen: Sequence[float], late: Sequence[float], expectation: Expectation) -> Delay:
    low, high = expectation.delay_bounds(number)
    return Delay(
        after_attempt=number,
        count=len(chosen),
        rule_low=low,
        rule_high=high,
        shortest=min(chosen),
        longest=max(chosen),
        outside=sum(not low - _ROUNDING_SECONDS <= delay <= high + _ROUNDING_SECONDS for delay in chosen),
        too_early=sum(lateness < -_ROUNDING_SECONDS for lateness in late),
        lateness=quantiles(late),
    )


def _broken(observed: Observed, failed: int, letters: int, over: int, delays: Sequence[Delay]) -> list[str]:
    broken = []
    if observed.lost:
        example = min(observed.lost)
        broken.append(f"{plural(len(observed.lost), 'task')} lost: accepted but never ended, for example {example}")
    if over:
        broken.append(f"{plural(over, 'task')} with more attempts than allowed")
    if letters < failed and observed.stopped not in (INTERRUPTED, UNANSWERED):
        broken.append(f"{plural(letters, 'dead letter')} for {plural(failed, 'failed task')}")
    if outside := sum(delay.outside for delay in delays):
        broken.append(f"{plural(outside, 'delay')} that the backoff rule does not allow")
    if early := sum(delay.too_early for delay in delays):
        broken.append(f"{plural(early, 'attempt')} that began before the backoff was over")
    return broken


def _notes(
    observed: Observed, letters: int, by_status: Counter[Status], rate: Rate, expectation: Expectation
) -> list[str]:
    notes = []
    if letters > by_status[Status.FAILED]:
        notes.append(
            f"{plural(letters - by_status[Status.FAILED], 'dead letter')} more than failed tasks: other tasks failed"
            " during the run, or a worker died after sending a letter and before storing FAILED (a redrive discards it)"
        )
    if by_status[Status.CANCELLED]:
        notes.append(
            f"{plural(by_status[Status.CANCELLED], 'task')} cancelled during the run and left out of the statistics"
        )
    if observed.refusals:
        notes.append(
            f"{plural(len(observed.refusals), 'submission')} refused, first: {observed.refusals[0].message.rstrip('.')}"
        )
    required = required_tasks(expectation)
    if required is not None and rate.attempts < required * expectation.mean_attempts:
        notes.append(
            f"too few tasks to distinguish {percent(expectation.rate)} from"
            f" {percent(expectation.rate - DETECTABLE_DIFFERENCE)}: that takes about {required:,} tasks"
        )
    return notes


def required_tasks(expectation: Expectation) -> int | None:
    """Return how many tasks distinguish the expected rate from one five points lower; None up to 5 % and at 100 %."""
    if not 0 < expectation.rate - DETECTABLE_DIFFERENCE < expectation.rate < 1:
        return None
    trials = stats.required_trials(expectation.rate, expectation.rate - DETECTABLE_DIFFERENCE, SIGNIFICANCE)
    return math.ceil(trials / expectation.mean_attempts)


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
    p50, p90, p99 = (round(stats.quantile(ordered, share), 4) for share in (0.5, 0.9, 0.99))
    return Quantiles(count=len(ordered), p50=p50, p90=p90, p99=p99, max=round(ordered[-1], 4))


def _latency(observed: Observed, ended: Sequence[Task]) -> Latency:
    by_attempts: dict[int, list[float]] = defaultdict(list)
    for task in ended:
        by_attempts[task.attempts].append(_seconds_to_end(task))
    to_end = [(attempts, quantiles(seconds)) for attempts, seconds in sorted(by_attempts.items())]
    return Latency(
        submit=quantiles(sent.accepted_seconds for sent in observed.sent),
        submit_to_start=quantiles(_seconds_to_start(task) for task in ended),
        submit_to_end=[
            LatencyByAttempts(attempts=attempts, seconds=seconds) for attempts, seconds in to_end if seconds is not None
        ],
    )


def _samples(observed: Observed, ended: Sequence[Task]) -> Samples:
    return Samples(
        submit_seconds=[round(sent.accepted_seconds, 4) for sent in observed.sent],
        start_seconds=[round(_seconds_to_start(task), 3) for task in ended],
        end_seconds=[round(_seconds_to_end(task), 3) for task in ended],
        end_attempts=[task.attempts for task in ended],
    )


def _seconds_to_start(task: Task) -> float:
    return (task.history[0].started_at - task.created_at).total_seconds()


def _seconds_to_end(task: Task) -> float:
    return (task.updated_at - task.created_at).total_seconds()


def _throughput(observed: Observed, tasks: Sequence[Task]) -> Throughput:
    begun = _begun(observed)
    ends = [task.updated_at for task in tasks if task.status.terminal]
    accepted = [sent.sent_at + timedelta(seconds=sent.accepted_seconds) for sent in observed.sent]
    seconds = max(0.001, (max(ends, default=observed.ended_at) - begun).total_seconds())
    submitting = (max(accepted) - begun).total_seconds() if accepted else 0.0
    width = _bin_seconds(seconds)
    return Throughput(
        seconds=round(seconds, 3),
        tasks_per_second=round(len(ends) / seconds, 3),
        accepted_per_second=round(len(accepted) / submitting, 3) if submitting > 0 else None,
        backoff_seconds=max((_waited(task) for task in tasks), default=0.0),
        bin_seconds=width,
        timeline=_timeline(accepted, ends, begun, width, math.floor(seconds / width) + 1),
    )


def _begun(observed: Observed) -> datetime:
    """Return when the first task was submitted."""
    return min((sent.sent_at for sent in observed.sent), default=observed.started_at)


def _waited(task: Task) -> float:
    return round(sum(attempt.backoff_seconds or 0.0 for attempt in task.history), 3)


def _bin_seconds(seconds: float) -> float:
    """Return a round width, in seconds, that makes at most sixty bins."""
    for width in (0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600):
        if seconds / width <= _MAX_BINS:
            return float(width)
    return float(math.ceil(seconds / _MAX_BINS / 3600) * 3600)


def _timeline(
    accepted: Iterable[datetime], ends: Iterable[datetime], begun: datetime, width_seconds: float, count: int
) -> list[Bin]:
    def binned(moments: Iterable[datetime]) -> Counter[int]:
        # A clock of AWS may be a little behind the client's.
        return Counter(
            min(count - 1, max(0, int((moment - begun).total_seconds() / width_seconds))) for moment in moments
        )

    accepted_in, ended_in = binned(accepted), binned(ends)
    return [
        Bin(second=number * width_seconds, accepted=accepted_in[number], ended=ended_in[number])
        for number in range(count)
    ]
