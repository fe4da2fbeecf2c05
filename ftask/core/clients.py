"""The AWS clients of the functions: botocore alone, each made when it is first used."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from ftask import __version__
from ftask.core.metrics import Usage
from ftask.core.quick_loader import create_client, quick_session

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_sqs.client import SQSClient

# Three tries of one call, each at most 4 s, and their pauses end within the worker's shortest timeout
# of 20 s, so an outage surfaces as an error that the poller backs off from and not as a killed worker.
CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
TOTAL_TRIES = 3
# botocore puts its own user agent together from twenty parts, twice a call; one that is given is used unchanged.
USER_AGENT = f"ftask-aws/{__version__}"


class Clients:
    """Clients that threads may share; `max_connections` is how many threads call at once.

    Their requests and capacity units are counted in `usage`.
    """

    def __init__(self, max_connections: int, usage: Usage) -> None:
        self._usage = usage
        self._config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": TOTAL_TRIES},
            max_pool_connections=max_connections,
            user_agent=USER_AGENT,
            # Every parameter is ours, and AWS checks it again; tests make the same calls with clients that validate.
            parameter_validation=False,
        )
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def make(self) -> None:
        """Make every client now: in an invocation, with a part of a CPU, it takes several times as long."""
        self.dynamodb()
        self.sqs()

    def dynamodb(self) -> DynamoDBClient:
        """Return the DynamoDB client."""
        client: DynamoDBClient = self._get("dynamodb")
        return client

    def sqs(self) -> SQSClient:
        """Return the SQS client."""
        client: SQSClient = self._get("sqs")
        return client

    def _get(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._session = self._session or quick_session()
                client = create_client(self._session, service, self._config)
                count(client, self._usage)
                self._clients[service] = client
            return self._clients[service]


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
