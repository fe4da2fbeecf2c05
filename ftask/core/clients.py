"""The AWS clients of the functions: botocore alone, each made when it is first used.

A worker whose tasks succeed speaks only to DynamoDB, so it never pays for an SQS client.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_sqs.client import SQSClient

# Three tries of one call, each at most 4 s, and their pauses end within the worker's shortest timeout
# of 20 s, so an outage surfaces as an error that the poller backs off from and not as a killed worker.
CONNECT_TIMEOUT_SECONDS = 1
READ_TIMEOUT_SECONDS = 3
TOTAL_TRIES = 3


class Clients:
    """Clients that many threads may share; `max_connections` is how many of those call at once."""

    def __init__(self, max_connections: int) -> None:
        self._config = Config(
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": TOTAL_TRIES},
            max_pool_connections=max_connections,
        )
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()

    def dynamodb(self) -> DynamoDBClient:
        client: DynamoDBClient = self._get("dynamodb")
        return client

    def sqs(self) -> SQSClient:
        client: SQSClient = self._get("sqs")
        return client

    def _get(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._session = self._session or botocore.session.get_session()
                self._clients[service] = self._session.create_client(service, config=self._config)
            return self._clients[service]
