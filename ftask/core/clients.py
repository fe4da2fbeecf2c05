"""The AWS clients of the functions: botocore alone, each made when it is first used."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from ftask import __version__
from ftask.core.metrics import Usage
from ftask.core.ports import Clock
from ftask.core.service_models import use_service_models
from ftask.core.timestamps import now

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_scheduler.client import EventBridgeSchedulerClient
    from types_boto3_sqs.client import SQSClient

# Said to the SDK, because its defaults change from version to version.
TOTAL_TRIES = 3
# What must be possible after a call that hung: to look whether a begin was applied, and to undo it.
RESERVE_SECONDS = 2.0
# The errors that AWS answers with status 400, and that the SDK tries again.
_THROTTLED = re.compile("Throttl|Throughput|TooManyRequests|RequestLimitExceeded|TransactionInProgress")
# botocore puts its own user agent together from twenty parts, twice a call; one that is given is used unchanged.
USER_AGENT = f"ftask-aws/{__version__}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one try of a call may take to connect, and then to be answered."""

    connect_seconds: float
    read_seconds: float

    @property
    def try_seconds(self) -> float:
        """The longest that a try takes."""
        return self.connect_seconds + self.read_seconds


USUAL = Patience(1.0, 3.0)
# At the end of an invocation: two calls fit into the reserve, one into the time in which an attempt is settled.
SHORT = Patience(0.3, 0.6)


def longest_pause_seconds(tries: int) -> float:
    """Return the longest pause of the SDK after this number of tries; newer versions pause for less.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """
    return 2.0 ** (tries - 1)


class Clients:
    """Clients that threads may share; `max_connections` is how many threads call at once.

    Their requests and capacity units are counted in `usage`. After :meth:`until`, a call that gets no answer ends as an
    error, with all its tries, `RESERVE_SECONDS` before the process is killed; one that begins later has short tries.
    Only the look-up of a name is not bounded: the system does it.
    """

    def __init__(
        self, max_connections: int, usage: Usage, clock: Clock = now, tick: Callable[[], float] = time.monotonic
    ):
        self.usage = usage
        self._max_connections = max_connections
        self._clock = clock
        self._tick = tick
        self._end = float("inf")
        self._session: Any = None
        self._clients: dict[tuple[str, Patience], Any] = {}
        self._lock = threading.Lock()

    def make(self) -> None:
        """Make every client now: in an invocation, with a part of a CPU, it takes several times as long."""
        for service in ("dynamodb", "sqs"):
            for patience in (USUAL, SHORT):
                self._make(service, patience)

    def until(self, deadline: datetime) -> None:
        """Begin an invocation, which is killed at `deadline`."""
        self._end = self._tick() + (deadline - self._clock()).total_seconds()

    def dynamodb(self) -> DynamoDBClient:
        """Return the DynamoDB client for a call that begins now."""
        client: DynamoDBClient = self._get("dynamodb")
        return client

    def sqs(self) -> SQSClient:
        """Return the SQS client for a call that begins now."""
        client: SQSClient = self._get("sqs")
        return client

    def scheduler(self) -> EventBridgeSchedulerClient:
        """Return the client of EventBridge Scheduler for a call that begins now: few workers need it."""
        client: EventBridgeSchedulerClient = self._get("scheduler")
        return client

    def _seconds_left(self) -> float:
        return self._end - self._tick()

    def _get(self, service: str) -> Any:
        is_late = self._seconds_left() < USUAL.try_seconds + RESERVE_SECONDS
        return self._make(service, SHORT if is_late else USUAL)

    def _make(self, service: str, patience: Patience) -> Any:
        with self._lock:
            if (service, patience) not in self._clients:
                if self._session is None:
                    self._session = botocore.session.get_session()
                    use_service_models(self._session)
                client = self._session.create_client(service, config=self._config(patience))
                count(client, self.usage)
                # Before the SDK's own handler, which would pause.
                client.meta.events.register_first(f"needs-retry.{service}", partial(self._stop_in_time, patience))
                self._clients[service, patience] = client
            return self._clients[service, patience]

    def _config(self, patience: Patience) -> Config:
        return Config(
            connect_timeout=patience.connect_seconds,
            read_timeout=patience.read_seconds,
            retries={"mode": "standard", "total_max_attempts": TOTAL_TRIES},
            max_pool_connections=self._max_connections,
            user_agent=USER_AGENT,
            # Every parameter is ours, and AWS checks it again; tests make the same calls with clients that validate.
            parameter_validation=False,
        )

    def _stop_in_time(
        self,
        patience: Patience,
        attempts: int,
        response: tuple[Any, Any] | None,
        caught_exception: Exception | None,
        operation: Any,
        **_: Any,
    ) -> None:
        """Raise the failure of a try if the SDK's next one might end too late."""
        needed = longest_pause_seconds(attempts) + patience.try_seconds + RESERVE_SECONDS
        if attempts >= TOTAL_TRIES or self._seconds_left() >= needed:
            return
        if caught_exception is not None:
            raise caught_exception
        if response is not None and _is_retried(*response):
            raise ClientError(response[1], operation.name)


def _is_retried(http_response: Any, answer: dict[str, Any]) -> bool:
    return http_response.status_code >= 500 or _THROTTLED.search(answer.get("Error", {}).get("Code", "")) is not None


def count(client: Any, usage: Usage) -> None:
    """Count in `usage` every request that `client` sends and every capacity unit of DynamoDB that it consumes."""
    service = client.meta.service_model.service_name

    def count_request(request: Any, event_name: str, **_: Any) -> None:
        usage.called(f"{service}.{event_name.rpartition('.')[2]}")

    def ask_for_capacity(params: dict[str, Any], model: Any, **_: Any) -> None:
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"

    def count_units(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        tables = consumed if isinstance(consumed, list) else [consumed]
        units = sum(table.get("CapacityUnits", 0) for table in tables)
        # A refused condition consumes what the write would have, and its answer does not say how much.
        # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html
        if parsed.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
            units = 1
        if model.name in ("GetItem", "BatchGetItem", "Query", "Scan"):
            usage.consumed(read_units=units)
        else:
            usage.consumed(write_units=units)

    client.meta.events.register(f"before-send.{service}.*", count_request)
    if service == "dynamodb":
        client.meta.events.register("provide-client-params.dynamodb.*", ask_for_capacity)
        client.meta.events.register("after-call.dynamodb.*", count_units)
