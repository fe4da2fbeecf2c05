"""Secrets of the user's tasks: read by a worker at its cold start, so that no archive and no template holds one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ftask.core.errors import SettingsError
from ftask.core.service_models import use_service_models

# Three tries and their pauses, of up to 1 and 2 s, end within the 10 s that AWS Lambda gives an initialisation.
PATIENCE = Config(connect_timeout=0.5, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 3})

_ENGINE_ACCOUNT = "000000000000"


def fetch_secrets(arns: Mapping[str, str], client: Callable[[str], Any] | None = None) -> dict[str, str]:
    """Return the value of each secret: of AWS Secrets Manager, or a parameter of AWS Systems Manager.

    Args:
        arns: by the name of the environment variable.
        client: makes the client of a service; it is called once for each.

    Raises:
        SettingsError: one of them does not exist, cannot be read, or is not a text.
    """
    client = cache(client or _clients())
    return {name: _fetch(name, arn, client) for name, arn in arns.items()}


def _fetch(name: str, arn: str, client: Callable[[str], Any]) -> str:
    try:
        if arn.split(":")[2] == "ssm":
            answer = client("ssm").get_parameter(Name=_parameter(arn), WithDecryption=True)["Parameter"]
            value: str | None = answer["Value"]
        else:
            value = client("secretsmanager").get_secret_value(SecretId=arn).get("SecretString")
    except (ClientError, BotoCoreError) as error:
        raise SettingsError(
            f"Cannot read the secret {name}: {error}", f"Restore it, or correct its ARN in ftask.toml: {arn}"
        ) from error
    if value is None:
        raise SettingsError(f"The secret {name} is binary.", f"Store a text in {arn}.")
    return value


def _clients() -> Callable[[str], Any]:
    session = botocore.session.get_session()
    use_service_models(session)
    return lambda service: session.create_client(service, config=PATIENCE)


def _parameter(arn: str) -> str:
    """Return what to ask for a parameter by: its ARN, which also finds one that another account shares."""
    account, path = arn.split(":")[4], arn.partition(":parameter")[2]
    # The local engine, whose account this is, decides whether a role may read a parameter by the name alone.
    return path if account == _ENGINE_ACCOUNT else arn
