"""A bearer token goes to the stage that it is for, and to no other."""

from __future__ import annotations

import base64
import json
from dataclasses import fields
from typing import Any

import pytest

from ftask.aws.api import bearer_token
from ftask.aws.stack import DeployedStack, StackOutputs
from ftask.aws.target import Target
from ftask.core.errors import FtaskError

JWT = {"ApiAuthorization": "JWT", "JwtIssuer": "https://issuer.example", "JwtAudience": "tasks, more"}

OUTPUTS = {output.metadata["key"]: "1" for output in fields(StackOutputs)}


def token(**claims: Any) -> str:
    body = {"iss": "https://issuer.example", "aud": "tasks"} | claims
    return f"e30.{base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip('=')}.signature"


def stack(url: str = "https://api.example", **parameters: str) -> DeployedStack:
    return DeployedStack(Target("prod"), "id", "CREATE_COMPLETE", JWT | parameters, OUTPUTS | {"ApiUrl": url})


@pytest.mark.parametrize(
    "claims", [{}, {"aud": ["other", "more"]}, {"aud": None, "client_id": "tasks"}, {"name": "é" * 50}]
)
def test_a_token_of_the_stages_issuer_and_audience_is_sent(claims: dict[str, Any]) -> None:
    value = token(**claims)
    assert bearer_token(stack(), {"FTASK_TOKEN": value}) == value
    assert bearer_token(stack("http://127.0.0.1:4566/_aws"), {"FTASK_TOKEN": value}) == value


@pytest.mark.parametrize("authorization", ["AWS_IAM", "NONE"])
def test_no_token_is_sent_to_an_api_that_does_not_ask_for_one(authorization: str) -> None:
    assert bearer_token(stack(ApiAuthorization=authorization), {"FTASK_TOKEN": token()}) is None
    assert bearer_token(stack(ApiAuthorization=authorization), {"FTASK_TOKEN": "a key, not a token"}) is None
    assert bearer_token(stack(), {}) is None
    assert bearer_token(stack(), {"FTASK_TOKEN": ""}) is None


@pytest.mark.parametrize(
    ("value", "url", "says"),
    [
        (token(iss="https://b.example"), "https://a", "its issuer is https://b.example, and stage 'prod' accepts"),
        (token(iss=None), "https://a", "its issuer is missing"),
        (token(aud="admin"), "https://a", "its audience is admin, and stage 'prod' accepts tasks, more"),
        (token(aud=[]), "https://a", "its audience is missing"),
        (token(), "http://api.example", "http://api.example has no TLS"),
        ("none", "https://a", "is not a JSON Web Token"),
        ("a.b.c", "https://a", "is not a JSON Web Token"),
        ("a.W10.c", "https://a", "is not a JSON Web Token"),
        ("a.\udcff.c", "https://a", "is not a JSON Web Token"),
    ],
)
def test_another_token_is_not_sent(value: str, url: str, says: str) -> None:
    with pytest.raises(FtaskError, match=says) as refused:
        bearer_token(stack(url), {"FTASK_TOKEN": value})
    assert value not in refused.value.message
