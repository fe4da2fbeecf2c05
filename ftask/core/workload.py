"""The built-in work: the experiment that shows what the queue does."""

from __future__ import annotations

from random import Random

from ftask.core.ports import Handler, Job


class SimulatedError(Exception):
    """The simulated work failed, as it was asked to or by chance."""


def simulated(error_rate: float, rng: Random) -> Handler:
    """A handler for `{"message": …}`: SUCCESS succeeds, ERROR fails, anything else fails at `error_rate`."""

    def handle(job: Job) -> dict[str, str]:
        message = job.payload.get("message")
        if message == "ERROR":
            raise SimulatedError("the task asked for an error")
        if message != "SUCCESS" and rng.random() < error_rate:
            raise SimulatedError(f"simulated failure, {error_rate:.0%} of attempts")
        return {"message": "done"}

    return handle
