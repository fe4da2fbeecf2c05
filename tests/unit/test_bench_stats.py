"""The statistics of the experiment, held against SciPy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftask.bench import stats

# Only one process imports SciPy, which takes most of a second.
pytestmark = pytest.mark.xdist_group("SciPy")

counts = st.integers(0, 400).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))
# Ties, as measured milliseconds have them, and none.
samples = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=60)


@pytest.fixture(scope="module")
def oracle() -> Any:
    from scipy import stats as scipys

    return scipys


@given(counts.filter(lambda count: count[1] > 0), st.sampled_from([0.9, 0.95, 0.99]))
def test_wilson(oracle: Any, count: tuple[int, int], confidence: float) -> None:
    expected = oracle.binomtest(*count).proportion_ci(confidence, "wilson")
    assert stats.wilson(*count, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_of_no_trials_nothing_is_known() -> None:
    assert stats.wilson(0, 0) == (0, 1)
    assert stats.binomial_test(0, 0, 0.3) == 1


@given(counts.filter(lambda count: count[1] > 0), st.sampled_from([0.0, 0.01, 0.09, 0.3, 0.5, 0.9, 1.0]))
def test_binomial_test(oracle: Any, count: tuple[int, int], probability: float) -> None:
    expected = oracle.binomtest(*count, probability).pvalue
    assert stats.binomial_test(*count, probability) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(counts, counts)
def test_fisher_exact(oracle: Any, one: tuple[int, int], other: tuple[int, int]) -> None:
    table = [[one[0], one[1] - one[0]], [other[0], other[1] - other[0]]]
    expected = oracle.fisher_exact(table).pvalue
    assert stats.fisher_exact(*one, *other) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(samples, samples)
def test_mann_whitney(oracle: Any, one: list[float], other: list[float]) -> None:
    if len({*one, *other}) == 1:
        assert stats.mann_whitney(one, other) == 1  # SciPy divides by zero here
        return
    expected = oracle.mannwhitneyu(one, other, method="asymptotic").pvalue
    assert stats.mann_whitney(one, other) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(samples, st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_quantile(oracle: Any, values: list[float], share: float) -> None:
    assert stats.quantile(sorted(values), share) == pytest.approx(oracle.mstats.mquantiles(values, share, 1, 1)[0])


@pytest.mark.parametrize(("rate", "other"), [(0.3, 0.25), (0.5, 0.45), (0.1, 0.05)])
def test_so_many_trials_tell_two_rates_apart_and_half_of_them_do_not(oracle: Any, rate: float, other: float) -> None:
    def power(trials: int) -> float:
        """How often the exact test at 1 % finds out, if `other` is the true rate."""
        surprising = [count for count in range(trials + 1) if stats.binomial_test(count, trials, rate) < 0.01]
        return float(sum(oracle.binom.pmf(surprising, trials, other)))

    needed = stats.required_trials(rate, other, significance=0.01, power=0.9)
    assert power(needed) == pytest.approx(0.9, abs=0.02)
    assert power(needed // 2) < 0.7
