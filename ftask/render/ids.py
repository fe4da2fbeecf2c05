"""Task ids as a person reads them: their first digits, as many as tell those that are shown apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise

# By as many digits, two of 10,000 tasks are alike once in 86 tables; then more digits are shown.
MIN_DIGITS = 8


def shorten(task_ids: Iterable[str]) -> Mapping[str, str]:
    """Return the first digits of each id: at least 8, and enough that no two of them are alike."""
    ids = sorted(set(task_ids))
    digits = MIN_DIGITS
    for one, next_one in pairwise(ids):
        while one[:digits] == next_one[:digits]:
            digits += 1
    return {task_id: task_id[:digits] for task_id in ids}
