"""Two runs side by side, and whether their differences are more than noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ftask.bench import stats
from ftask.bench.result import SIGNIFICANCE, Result
from ftask.core.text import percent


@dataclass(frozen=True)
class Difference:
    """One figure of both runs. `p_value` is None where nothing was tested; `unit` is empty for a share."""

    name: str
    unit: str
    first: float | None
    second: float | None
    p_value: float | None
    more_than_noise: bool | None

    def text(self, value: float | None) -> str:
        """Return one of the two values with its unit."""
        if value is None:
            return "–"
        return percent(value) if self.unit == "" else f"{value:,.3g} {self.unit}"

    @property
    def change(self) -> str:
        """What the second value is against the first; empty if one of them is missing."""
        if self.first is None or self.second is None:
            return ""
        if self.unit == "":
            return f"{(self.second - self.first) * 100:+.1f} points"
        return f"× {self.second / self.first:.2f}" if self.first else ""

    @property
    def p_text(self) -> str:
        """The p-value in words; empty where nothing was tested."""
        if self.p_value is None:
            return ""
        return "< 0.001" if self.p_value < 0.001 else f"{self.p_value:.2g}"

    def json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "unit": self.unit or "share",
            "first": self.first,
            "second": self.second,
            "pValue": self.p_value,
            "moreThanNoise": self.more_than_noise,
        }


@dataclass(frozen=True)
class Comparison:
    """All differences between two runs, and the settings that differ, which may explain them."""

    differences: tuple[Difference, ...]
    settings: tuple[tuple[str, str, str], ...]

    def json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "significance": SIGNIFICANCE,
            "settings": [{"name": name, "first": first, "second": second} for name, first, second in self.settings],
            "differences": [difference.json() for difference in self.differences],
        }


def compare(first: Result, second: Result) -> Comparison:
    """Compare two runs. All tests together keep the level of 1 %."""
    first_rate, second_rate = first.attempt_error_rate, second.attempt_error_rate
    tested: list[tuple[str, str, float | None, float | None, float]] = [
        (
            "failed attempts", "", first_rate.observed, second_rate.observed,
            stats.fisher_exact(first_rate.failed, first_rate.attempts, second_rate.failed, second_rate.attempts),
        ),
        (
            "failed tasks", "", first.failed_share.observed, second.failed_share.observed,
            stats.fisher_exact(
                first.failed, first.failed + first.completed, second.failed, second.failed + second.completed
            ),
        ),
        _latency("submit, median", first.samples.submit_seconds, second.samples.submit_seconds),
        _latency("submit to start, median", first.samples.start_seconds, second.samples.start_seconds),
        *(
            _latency(
                f"to end after {attempts}, median", _ends_after(first, attempts), _ends_after(second, attempts)
            )
            for attempts in sorted({*first.samples.end_attempts, *second.samples.end_attempts})
        ),
    ]  # fmt: skip
    level = SIGNIFICANCE / len(tested)
    differences = [
        Difference(name, unit, left, right, p_value, p_value < level) for name, unit, left, right, p_value in tested
    ]
    differences += [
        Difference(
            "throughput", "tasks/s", first.throughput.tasks_per_second, second.throughput.tasks_per_second, None, None,
        ),
        Difference(
            "a million tasks", "USD",
            first.cost.batched.usd_per_million if first.cost else None,
            second.cost.batched.usd_per_million if second.cost else None,
            None, None,
        ),
    ]  # fmt: skip
    return Comparison(tuple(differences), tuple(_settings(first, second)))


def _latency(
    name: str, first: Sequence[float], second: Sequence[float]
) -> tuple[str, str, float | None, float | None, float]:
    return name, "s", _median(first), _median(second), stats.mann_whitney(first, second)


def _median(values: Sequence[float]) -> float | None:
    return stats.quantile(sorted(values), 0.5) if values else None


def _ends_after(result: Result, attempts: int) -> list[float]:
    samples = result.samples
    return [
        seconds for seconds, count in zip(samples.end_seconds, samples.end_attempts, strict=True) if count == attempts
    ]


def _settings(first: Result, second: Result) -> list[tuple[str, str, str]]:
    left, right = _flat(first), _flat(second)
    return [
        (name, left.get(name, "–"), right.get(name, "–"))
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
