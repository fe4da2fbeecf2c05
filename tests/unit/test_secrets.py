from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ftask.core.errors import SettingsError
from ftask.core.secrets import fetch_secrets

SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-AbCdEf"
PARAMETER = "arn:aws:ssm:eu-central-1:123456789012:parameter/stripe"


def client_with(**answers: Any) -> Any:
    """Clients that answer with these secrets and parameters, by ARN."""

    def get_secret_value(*, SecretId: str) -> Any:  # noqa: N803 - boto3's names
        if SecretId not in answers["secrets"]:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "no such"}}, "GetSecretValue")
        return answers["secrets"][SecretId]

    def get_parameter(*, Name: str, WithDecryption: bool) -> Any:  # noqa: N803
        assert WithDecryption
        return {"Parameter": {"Value": answers["parameters"][Name]}}

    services = {
        "secretsmanager": SimpleNamespace(get_secret_value=get_secret_value),
        "ssm": SimpleNamespace(get_parameter=get_parameter),
    }
    return services.__getitem__


def test_a_secret_comes_from_the_service_of_its_arn() -> None:
    client = client_with(secrets={SECRET: {"SecretString": "s"}}, parameters={PARAMETER: "p"})
    assert fetch_secrets({"A": SECRET, "B": PARAMETER}, client) == {"A": "s", "B": "p"}


def test_ten_secrets_cost_the_worker_one_client_for_each_service() -> None:
    clients, made = client_with(secrets={SECRET: {"SecretString": "s"}}, parameters={PARAMETER: "p"}), []

    def client(service: str) -> Any:
        made.append(service)
        return clients(service)

    fetch_secrets(
        {f"{name}{number}": arn for number in range(5) for name, arn in (("A", SECRET), ("B", PARAMETER))}, client
    )
    assert sorted(made) == ["secretsmanager", "ssm"]


def test_the_local_engine_is_asked_for_a_parameter_by_its_name() -> None:
    arn = "arn:aws:ssm:us-east-1:000000000000:parameter/shop/key"
    assert fetch_secrets({"A": arn}, client_with(secrets={}, parameters={"/shop/key": "p"})) == {"A": "p"}


def test_a_secret_that_does_not_exist_is_named() -> None:
    with pytest.raises(SettingsError, match=r"Cannot read the secret A: .*ResourceNotFoundException") as refused:
        fetch_secrets({"A": SECRET}, client_with(secrets={}))
    assert refused.value.hint is not None
    assert SECRET in refused.value.hint


def test_a_binary_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match="The secret A is binary"):
        fetch_secrets({"A": SECRET}, client_with(secrets={SECRET: {"SecretBinary": b"s"}}))
