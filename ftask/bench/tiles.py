"""The figures that a report begins with. Pure."""

from __future__ import annotations

from typing import NamedTuple

from ftask.bench.result import SIGNIFICANCE, Result
from ftask.core.text import percent, plural


class Tile(NamedTuple):
    """One figure: its name, its value and what explains it. `state` is `fine`, `odd`, `broken`, or empty."""

    name: str
    value: str
    detail: str
    state: str = ""


def tiles(result: Result) -> list[Tile]:
    """Return the tiles of a run, its verdict first."""
    return [_verdict(result), _tasks(result), _failed(result), _lost(result), _price(result)]


def _verdict(result: Result) -> Tile:
    rate = percent(result.settings.error_rate)
    if result.broken:
        return Tile("verdict", "Broken", "; ".join(result.broken) + ".", "broken")
    if result.verdict == "incomplete":
        says = f"The run ended early: {result.stopped}." if result.stopped else "No task ended."
        return Tile("verdict", "Incomplete", says, "odd")
    says = (
        f"{plural(result.tasks, 'task')}: none lost, none over the attempt limit, every failed task dead-lettered;"
        f" {result.verdict} with an error rate of {rate} at the {percent(SIGNIFICANCE)} level."
    )
    return Tile("verdict", result.verdict.capitalize(), says, "fine" if result.verdict == "consistent" else "odd")


def _tasks(result: Result) -> Tile:
    parts = [f"{result.completed:,} completed"]
    counts = ((result.open, "open"), (result.cancelled, "cancelled"), (result.refused, "refused"))
    parts += [f"{count:,} {name}" for count, name in counts if count]
    return Tile("tasks", f"{result.tasks:,}", ", ".join(parts))


def _failed(result: Result) -> Tile:
    share = result.failed_share
    if share.observed is None:
        return Tile("failed", f"{result.failed:,}", f"{percent(share.expected)} expected")
    state = "odd" if result.verdict == "not consistent" else ""
    detail = f"{percent(share.observed)}, expected {percent(share.expected)}"
    return Tile("failed", f"{result.failed:,}", detail, state)


def _lost(result: Result) -> Tile:
    return Tile("lost", f"{result.lost:,}", "accepted, never ended", "broken" if result.lost else "fine")


def _price(result: Result) -> Tile:
    if result.cost is None:
        return Tile("price", "–", "unknown")
    how = {1: ", one by one"}.get(result.cost.tasks_per_request or 0, "")
    if not how and result.cost.tasks_per_request is not None:
        how = f", {result.cost.tasks_per_request} per request"
    return Tile("price", f"{result.cost.batched.usd_per_million:.2f} USD", f"a million such tasks on AWS{how}")
