"""Two runs side by side, and whether their differences are more than noise."""

from __future__ import annotations

from collections.abc import Sequence

from ftask.bench import stats
from ftask.bench.result import SIGNIFICANCE, Part, Result, Share
from ftask.core.text import percent

SHARE = "share"  # the unit of what is shown in percent


class Difference(Part):
    """One figure of both runs. `p_value` is None where nothing was tested."""

    name: str
    unit: str
    first: float | None
    second: float | None
    p_value: float | None = None
    more_than_noise: bool | None = None

    def text(self, value: float | None) -> str:
        """Return one of the two values with its unit."""
        if value is None:
            return "–"
        return percent(value) if self.unit == SHARE else f"{value:,.3g} {self.unit}"

    @property
    def change(self) -> str:
        """What the second value is against the first; empty if one of them is missing."""
        if self.first is None or self.second is None:
            return ""
        if self.unit == SHARE:
            return f"{(self.second - self.first) * 100:+.1f} points"
        return f"× {self.second / self.first:.2f}" if self.first else ""


class SettingDifference(Part):
    """One setting that differs between two runs."""

    name: str
    first: str
    second: str


class Comparison(Part):
    """All differences between two runs, and the settings that differ, which may explain them."""

    significance: float = SIGNIFICANCE
    settings: list[SettingDifference]
    differences: list[Difference]


def compare(first: Result, second: Result) -> Comparison:
    """Compare two runs. All tests together keep the level of 1 %."""
    rates, shares = (first.attempt_error_rate, second.attempt_error_rate), (first.failed_share, second.failed_share)
    tested = [
        _shares("failed attempts", rates, [(rate.failed, rate.attempts) for rate in rates]),
        _shares("failed tasks", shares, [(run.failed, run.failed + run.completed) for run in (first, second)]),
        _latency("submit, median", first.samples.submit_seconds, second.samples.submit_seconds),
        _latency("submit to start, median", first.samples.start_seconds, second.samples.start_seconds),
    ]
    tested += [
        _latency(f"to end after {attempts}, median", *(run.samples.ends_after(attempts) for run in (first, second)))
        for attempts in sorted({*first.samples.end_attempts, *second.samples.end_attempts})
    ]
    level = SIGNIFICANCE / len(tested)
    throughput, costs = (first.throughput, second.throughput), (first.cost, second.cost)
    return Comparison(
        settings=_settings(first, second),
        differences=[
            *(each.model_copy(update={"more_than_noise": (each.p_value or 0) < level}) for each in tested),
            _pair("throughput", "tasks/s", [run.tasks_per_second for run in throughput]),
            _pair("a million tasks", "USD", [None if cost is None else cost.batched.usd_per_million for cost in costs]),
        ],
    )


def _pair(name: str, unit: str, values: Sequence[float | None], p_value: float | None = None) -> Difference:
    return Difference(name=name, unit=unit, first=values[0], second=values[1], p_value=p_value)


def _shares(name: str, shares: Sequence[Share], counts: Sequence[tuple[int, int]]) -> Difference:
    return _pair(name, SHARE, [share.observed for share in shares], stats.fisher_exact(*counts[0], *counts[1]))


def _latency(name: str, *samples: Sequence[float]) -> Difference:
    medians = [stats.quantile(sorted(values), 0.5) if values else None for values in samples]
    return _pair(name, "s", medians, stats.mann_whitney(*samples))


def _settings(first: Result, second: Result) -> list[SettingDifference]:
    left, right = _flat(first), _flat(second)
    return [
        SettingDifference(name=name, first=left.get(name, "–"), second=right.get(name, "–"))
        for name in sorted({*left, *right})
        if left.get(name) != right.get(name)
    ]


def _flat(result: Result) -> dict[str, str]:
    settings = result.settings
    experiment = {
        "tasks": settings.tasks,
        "message": settings.message,
        "clients": settings.concurrency,
        "tasks a request": settings.batch,
        "arrivals a second": settings.rate,
        "stage": result.stage,
        "region": result.region,
    }
    # The bucket does not change how the code behaves; the other parameters say which code it is.
    parameters = {name: value for name, value in settings.parameters.items() if name != "CodeBucket"}
    return {name: str(value) for name, value in {**experiment, **parameters}.items() if value is not None}
