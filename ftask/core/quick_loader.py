"""A session of botocore whose clients are made in a third of the time, from botocore's own models.

Two things take most of the time, and serve other services: a look at the folders of all 400, and the table of their
endpoints (1.2 MB). The endpoints of DynamoDB and SQS are decided by rules of their own, so what is left of the table
for them is which partition a region belongs to, and botocore has that in a small file too.
https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json
"""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

SERVICES = ["dynamodb", "sqs"]


class QuickLoader(Loader):
    """Loads the models of DynamoDB and SQS, and a table of endpoints with partitions alone."""

    def list_available_services(self, type_name: str) -> list[str]:
        return SERVICES

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        if name != "endpoints":
            loaded: tuple[Any, str] = super().load_data_with_path(name)
            return loaded
        data, path = super().load_data_with_path("partitions")
        return {"version": 3, "partitions": [_partition(partition) for partition in data["partitions"]]}, path


def create_client(session: Any, service: str, config: Config) -> Any:
    """Return a client of DynamoDB or SQS by a session of :func:`quick_session`.

    It is as botocore makes it otherwise, except in DynamoDB's region `local`, which is no region of AWS. Whatever keeps
    this short way from making one, as a setting or a botocore that it does not know, leads to the usual way.
    """
    try:
        return session.create_client(service, config=config)
    except Exception:  # noqa: BLE001 - the usual way raises what is really wrong
        return botocore.session.get_session().create_client(service, config=config)


def quick_session() -> Any:
    """Return a session for the functions' own clients alone: others would not find their services."""
    session = botocore.session.get_session()
    session.register_component("data_loader", QuickLoader())
    return session


def _partition(partition: dict[str, Any]) -> dict[str, Any]:
    return {
        "partition": partition["id"],
        "dnsSuffix": partition["outputs"]["dnsSuffix"],
        "regionRegex": partition["regionRegex"],
        "regions": partition["regions"],
        "defaults": {
            "hostname": "{service}.{region}.{dnsSuffix}",
            "protocols": ["https"],
            "signatureVersions": ["v4"],
        },
        "services": {},
    }
