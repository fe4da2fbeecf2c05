"""What a client is told while AWS fails: 202 is a promise, a refusal too, and the rest says that it does not know."""

from __future__ import annotations

from collections.abc import Callable

from ftask.core.errors import FtaskError, OutcomeUnknownError, TemporarilyUnavailableError
from ftask.core.model import Task
from ftask.core.payload import Submission
from tests.crash.actors import Crash
from tests.crash.stories.story import Scenario
from tests.crash.wire import Fault
from tests.crash.world import World


def raced_by_the_worker(number: int) -> Callable[[World], None]:
    """A client without keys submits so many tasks; one that it was told is not accepted must not run."""

    def tell(w: World) -> None:
        refused: list[int] = []

        def submit() -> None:
            submissions = [Submission({"message": "work"})] * number
            submitter = w._submitter()
            try:
                answers: list[Task | FtaskError] = (
                    [submitter.submit(submissions[0])] if number == 1 else submitter.submit_many(submissions)
                )
            except (OutcomeUnknownError, Crash):
                return
            except TemporarilyUnavailableError:
                refused.append(number)
                return
            w.witness.accepted |= {answer.task_id for answer in answers if isinstance(answer, Task)}
            refused.extend(1 for answer in answers if not isinstance(answer, Task | OutcomeUnknownError))

        w.at_once(submit, w.pump)
        w.until_quiet()
        ran = {run.task_id for run in w.witness.runs}
        if refused and len(ran) > number - sum(refused):
            w.violations.append("a task ran that was not accepted")

    return tell


SCENARIOS = [
    Scenario(
        "a client whose send fails, raced by the worker",
        raced_by_the_worker(1),
        actors=2,
        faults=(Fault.FAIL_AFTER, Fault.THROTTLE),
    ),
    Scenario(
        "a batch whose send fails, raced by the worker",
        raced_by_the_worker(2),
        actors=2,
        faults=(Fault.FAIL_AFTER, Fault.THROTTLE),
    ),
]
