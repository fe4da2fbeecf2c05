"""The result of one run, to be written to a file and read back.

The schema has a version and only gains fields. Durations are in seconds; times are ISO 8601 in UTC.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from ftask.core.errors import InvalidInputError

SCHEMA_VERSION: Literal[1] = 1
# Both tests together are wrong in one of a hundred runs of a healthy stack.
SIGNIFICANCE = 0.01
# Why a run ended early.
INTERRUPTED = "interrupted"
TIMED_OUT = "timed out"
UNANSWERED = "the stage stopped answering"
_HOW_TO_SAVE = "Save a result with: ftask bench --save run.json"


class Part(BaseModel):
    """A part of what `-o json` prints: camelCase there, frozen here."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    def json(self) -> dict[str, Any]:  # type: ignore[override]  # pydantic's own is deprecated
        """Return the JSON form."""
        return self.model_dump(mode="json", by_alias=True)


class Backoff(Part):
    base_seconds: float
    cap_seconds: float
    jitter: bool


class RunSettings(Part):
    """The settings of the run, and the parameters of the stack."""

    tasks: int
    message: str
    concurrency: int | None = Field(description="Clients in a closed loop; null with a rate.")
    batch: int = Field(description="Tasks per request.")
    rate: float | None = Field(description="Arrivals per second; null in a closed loop.")
    seed: int
    error_rate: float = Field(description="The rate that the stack promises for this message.")
    max_attempts: int
    backoff: Backoff
    parameters: dict[str, str] = Field(description="All parameters of the stack.")


class Share(Part):
    """The share of ended tasks that ended FAILED."""

    observed: float | None
    expected: float
    low: float = Field(description="Lower end of the 95 % Wilson interval.")
    high: float
    p_value: float = Field(description="Exact binomial test, two-sided.")


class Rate(Share):
    """The share of attempts that failed, without attempts whose worker died."""

    failed: int
    attempts: int


class AttemptCount(Part):
    attempts: int
    tasks: int
    expected: float


class Quantiles(Part):
    count: int
    p50: float
    p90: float
    p99: float
    max: float


class Delay(Part):
    """The delays chosen after failed attempt number `after_attempt`, against the rule."""

    after_attempt: int
    count: int
    rule_low: float
    rule_high: float
    shortest: float
    longest: float
    outside: int = Field(description="Delays that the rule does not allow.")
    too_early: int = Field(description="Next attempts that began before their delay was over.")
    lateness: Quantiles | None = Field(description="How many seconds after the delay the next attempt began.")


class LatencyByAttempts(Part):
    attempts: int
    seconds: Quantiles


class Latency(Part):
    submit: Quantiles | None = Field(description="From the request to its answer 202, on the client's clock.")
    submit_to_start: Quantiles | None = Field(description="From creation to the first attempt, on AWS's clocks.")
    submit_to_end: list[LatencyByAttempts]


class Bin(Part):
    second: float = Field(description="Start of the bin, in seconds after the first submission.")
    accepted: int
    ended: int


class Throughput(Part):
    seconds: float = Field(description="From the first submission to the last end.")
    tasks_per_second: float
    accepted_per_second: float | None
    backoff_seconds: float = Field(description="The longest time that one task waited between its attempts.")
    bin_seconds: float
    timeline: list[Bin]

    def rates(self, counted: Literal["accepted", "ended"]) -> list[tuple[float, float]]:
        """Return the start of each bin, and how many tasks per second were accepted or ended in it."""
        return [(interval.second, getattr(interval, counted) / self.bin_seconds) for interval in self.timeline]


class Item(Part):
    """One line of a bill: `quantity` of `unit`, for all tasks of the run."""

    name: str
    quantity: float
    unit: str
    usd: float


class Bill(Part):
    items: list[Item]
    usd: float
    usd_per_million: float


class WayPrice(Part):
    """An estimate of what a million such tasks cost if they are submitted in one way."""

    name: str
    tasks_per_request: int
    usd_per_million: float


class Cost(Part):
    """What the run would cost on AWS at list prices, without a free tier."""

    batched: Bill
    unbatched: Bill = Field(description="The same if each message were a separate batch.")
    region: str
    priced_on: str
    records_per_batch: float
    measured_on: str = Field(description="Where the functions ran: AWS, or this machine.")
    durations: Literal["platform report", "function's clock", "estimate"] = Field(
        description="How the billed durations were got. On an emulator they are estimated: its CPU is not Lambda's."
    )
    local_gb_seconds: float | None = Field(
        description="What the functions took on this machine; it is not priced. Null on AWS."
    )
    tasks_per_request: int = Field(description="How the tasks were submitted.")
    payload_bytes: int
    ways: list[WayPrice] = Field(description="Estimates for other ways to submit such tasks.")
    monthly: list[Item] = Field(
        description="What the stage costs a month in addition to its tasks; the metrics as if tasks ran in each hour."
    )


class StatesAt(Part):
    """How many tasks were in which state, in seconds after the first submission."""

    second: float
    pending: int
    processing: int
    retrying: int
    completed: int
    failed: int
    cancelled: int


class ErrorKind(Part):
    """The attempts that failed with one kind of error, and the tasks that ended FAILED with it."""

    type: str
    example: str = Field(description="The message of one of them.")
    attempts: int
    tasks: int


class Machine(Part):
    """The machine that ran `ftask bench` and, unless the stage is on AWS, the functions too."""

    system: str
    cpus: int
    memory_gib: float | None
    python: str
    engine: str = Field(description="What served the stage: AWS, or an emulator.")
    load_before: float | None = Field(description="Load average of the last minute when the run began.")
    load_after: float | None


class Samples(Part):
    """One value per task, for `compare` and for plots."""

    submit_seconds: list[float]
    start_seconds: list[float]
    end_seconds: list[float]
    end_attempts: list[int]

    def ends_after(self, attempts: int) -> list[float]:
        """Return how long the tasks took that ended after this number of attempts."""
        ends = zip(self.end_seconds, self.end_attempts, strict=True)
        return [seconds for seconds, count in ends if count == attempts]


class Result(Part):
    """The result of one run."""

    schema_version: Literal[1] = SCHEMA_VERSION
    ftask_version: str
    run_id: str
    stage: str
    region: str
    started_at: str
    ended_at: str
    stopped: str | None = Field(
        description=f"Why the run ended early: {INTERRUPTED}, {TIMED_OUT}, {UNANSWERED}; null if it did not."
    )
    settings: RunSettings
    tasks: int = Field(description="Accepted tasks.")
    refused: int = Field(description="Submissions that the API rejected.")
    completed: int
    failed: int
    cancelled: int
    open: int = Field(description="Tasks that had not ended when the run stopped.")
    lost: int = Field(description="Open tasks that nothing will end.")
    lost_attempts: int = Field(description="Attempts whose worker died.")
    over_attempts: int = Field(description="Tasks with more attempts than allowed.")
    dead_letters: int = Field(description="Dead letters that arrived during the run.")
    attempt_error_rate: Rate
    failed_share: Share
    attempts: list[AttemptCount]
    delays: list[Delay]
    verdict: Literal["consistent", "not consistent", "incomplete"]
    significance: float = SIGNIFICANCE
    broken: list[str] = Field(description="Invariants that did not hold, each as a sentence.")
    notes: list[str]
    latency: Latency
    throughput: Throughput
    cost: Cost | None
    status_reads: int = Field(description="Requests to DynamoDB for following the tasks.")
    samples: Samples
    states: list[StatesAt] = Field(description="The tasks by state, over time.")
    errors: list[ErrorKind] = Field(description="The errors of the attempts, the most frequent first.")
    machine: Machine


def first_problem(error: ValidationError) -> str:
    """Return the first thing that is wrong with what was read, as `where: what`."""
    problem = error.errors()[0]
    return ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"])))


def load(path: str) -> Result:
    """Return the result in a file that `ftask bench` wrote.

    Raises:
        InvalidInputError: the file cannot be read, or has other content.
    """
    try:
        return Result.model_validate_json(Path(path).read_bytes())
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror}.", _HOW_TO_SAVE) from error
    except ValidationError as error:
        raise InvalidInputError(
            f"{path} is not a result of this ftask bench: {first_problem(error)}.", _HOW_TO_SAVE
        ) from None
