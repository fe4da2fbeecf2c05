"""The words and colours of what is in one state or another: a task, the worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.text import Text

from ftask.core.model import Status

STYLES: Mapping[str, str] = {
    Status.PENDING: "cyan",
    Status.PROCESSING: "blue",
    Status.RETRYING: "yellow",
    Status.COMPLETED: "green",
    Status.FAILED: "bold red",
    Status.CANCELLED: "magenta",
}
# The states of an event source mapping, as an operator thinks of them.
# https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html
_CONSUMPTION: Mapping[str, str] = {
    "Enabled": "consuming",
    "Disabled": "paused",
    "Enabling": "resuming",
    "Disabling": "pausing",
    # Of ftask's: Lambda does not have it any more.
    "Missing": "event source mapping deleted, no task runs",
}


def status_text(status: str, words: str | None = None) -> Text:
    """Return the status of a task, or `words` about it, in its colour."""
    # A newer ftask may have written a status that this one does not know.
    return Text(status if words is None else words, style=STYLES.get(status, ""))


def status_counts(counts: Iterable[tuple[str, int]]) -> Text:
    """Return how many tasks have which status, from pairs of both: `3 RETRYING   40 COMPLETED`."""
    ordered = dict.fromkeys(STYLES, 0) | dict(counts)
    return Text("   ").join(status_text(status, f"{count:,} {status}") for status, count in ordered.items() if count)


def consumption_text(mapping_state: str, *, has_problem: bool) -> Text:
    """Return whether the worker consumes, from the state of its event source mapping, and whether it has a problem."""
    words = _CONSUMPTION.get(mapping_state, mapping_state.lower())
    if words != "consuming":
        return Text(words, style="bold yellow")
    return Text("cannot run tasks", style="bold red") if has_problem else Text(words, style="green")
