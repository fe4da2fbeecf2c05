"""What a redrive has done so far: counts by outcome, and the tasks that have a new epoch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ftask.core.drain import DrainOutcome
from ftask.core.redrive import RedriveOutcome
from ftask.dead_letters.drain import Outcomes as DrainOutcomes
from ftask.dead_letters.redrive import Outcomes


@dataclass
class RedriveTally:
    """Sums up the batches of a redrive."""

    outcomes: Counter[RedriveOutcome] = field(default_factory=Counter)
    task_ids: list[str] = field(default_factory=list)

    @property
    def unsent(self) -> int:
        """How many messages SQS did not accept; their tasks stay FAILED."""
        return self.outcomes[RedriveOutcome.UNSENT]

    @property
    def letters_left(self) -> int:
        """How many letters were read and stay in the queue."""
        return sum(count for outcome, count in self.outcomes.items() if not outcome.letter_done)

    def add(self, batch: Outcomes) -> None:
        for message, outcome in batch:
            self.outcomes[outcome] += 1
            if message is not None and outcome is RedriveOutcome.REDRIVEN:
                self.task_ids.append(message.task_id)

    def json(self) -> dict[str, int]:
        return {str(outcome): self.outcomes[outcome] for outcome in RedriveOutcome}


def redriven_in(batch: Outcomes) -> int:
    """Return how many tasks a batch redrove; its other letters stay, or are discarded as stale."""
    return sum(outcome is RedriveOutcome.REDRIVEN for _, outcome in batch)


def drained_in(batch: DrainOutcomes) -> int:
    """Return how many letters or tasks a batch drained or discarded."""
    return sum(outcome is DrainOutcome.DRAINED for _, outcome in batch)
