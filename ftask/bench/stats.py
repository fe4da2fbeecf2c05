"""The few statistics that the experiment needs, exact where that is affordable.

The tests compare each of them with SciPy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

NORMAL = NormalDist()
# Two log probabilities that differ by less are equal but for rounding.
_TIE = 1e-7


def wilson(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion; (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    z = NORMAL.inv_cdf(0.5 + confidence / 2)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return low, high


def binomial_test(successes: int, trials: int, probability: float) -> float:
    """Return the exact two-sided p-value: the probability of all outcomes at most as likely as this one."""
    if trials == 0:
        return 1.0
    if probability <= 0 or probability >= 1:
        return 1.0 if successes == round(trials * probability) else 0.0
    log_p, log_q = math.log(probability), math.log1p(-probability)
    log_total = math.lgamma(trials + 1)

    def log_mass(count: int) -> float:
        ways = log_total - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
        return ways + count * log_p + (trials - count) * log_q

    return _two_sided([log_mass(count) for count in range(trials + 1)], successes)


def fisher_exact(successes: int, trials: int, other_successes: int, other_trials: int) -> float:
    """Return the exact two-sided p-value for the hypothesis that two proportions are the same."""
    if trials == 0 or other_trials == 0:
        return 1.0
    both, all_trials = successes + other_successes, trials + other_trials
    low, high = max(0, both - other_trials), min(both, trials)

    def log_mass(count: int) -> float:
        return _log_choose(trials, count) + _log_choose(other_trials, both - count) - _log_choose(all_trials, both)

    return _two_sided([log_mass(count) for count in range(low, high + 1)], successes - low)


def mann_whitney(sample: Sequence[float], other: Sequence[float]) -> float:
    """Return the two-sided p-value for the hypothesis that two samples have the same distribution.

    By the normal approximation, with correction for ties and continuity.
    """
    n, m = len(sample), len(other)
    if n == 0 or m == 0:
        return 1.0
    pooled = sorted([(value, 0) for value in sample] + [(value, 1) for value in other])
    rank_sum, ties, start = 0.0, 0.0, 0
    while start < n + m:
        end = start
        while end < n + m and pooled[end][0] == pooled[start][0]:
            end += 1
        alike = end - start
        rank_sum += (start + end + 1) / 2 * sum(1 for _, which in pooled[start:end] if which == 0)
        ties += alike**3 - alike
        start = end
    u = rank_sum - n * (n + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    # Half a step towards the middle, because ranks are whole numbers.
    z = (max(u, n * m - u) - n * m / 2 - 0.5) / math.sqrt(variance)
    return min(1.0, 2 * (1 - NORMAL.cdf(z)))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile of sorted values, at least one, by linear interpolation between two of them."""
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def required_trials(probability: float, other: float, significance: float = 0.01, power: float = 0.9) -> int:
    """Return how many trials show that the rate is not `probability` when it is `other`, another rate.

    Sample size of the two-sided test of one proportion, by the normal approximation.
    """
    wrongly = NORMAL.inv_cdf(1 - significance / 2) * math.sqrt(probability * (1 - probability))
    rightly = NORMAL.inv_cdf(power) * math.sqrt(other * (1 - other))
    return math.ceil(((wrongly + rightly) / (probability - other)) ** 2)


def _two_sided(log_masses: Sequence[float], observed: int) -> float:
    limit = log_masses[observed] + math.log1p(_TIE)
    return min(1.0, math.fsum(math.exp(mass) for mass in log_masses if mass <= limit))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
