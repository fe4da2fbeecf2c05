"""The bearer token for an API with JWT authorization. It goes only to the stage that it was issued for."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ftask.aws.stack import DeployedStack
from ftask.client.connection import TOKEN_VARIABLE, require_tls
from ftask.core.errors import FtaskError
from ftask.core.text import json_object, printable


def bearer_token(stack: DeployedStack, variables: Mapping[str, str]) -> str | None:
    """Return the token in FTASK_TOKEN if the stage's API takes bearer tokens; None if it does not, or none is set.

    Raises:
        FtaskError: the token is not a JSON Web Token, was issued by another issuer or for another audience than the
            stage's, or would be sent over the network without TLS.
    """
    token = variables.get(TOKEN_VARIABLE)
    if not token or stack.parameters.get("ApiAuthorization") != "JWT":
        return None
    issuer = stack.parameters.get("JwtIssuer", "")
    claims = _claims(token)
    if claims is None:
        raise FtaskError(
            f"The value of {TOKEN_VARIABLE} is not a JSON Web Token.",
            f"Set {TOKEN_VARIABLE} to a token of the issuer {issuer}.",
        )
    # As API Gateway compares them; Amazon Cognito's access tokens have client_id instead of aud.
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
    _require(stack, "issuer", claims.get("iss"), [issuer])
    audiences = [audience.strip() for audience in stack.parameters.get("JwtAudience", "").split(",")]
    _require(stack, "audience", claims.get("aud") or claims.get("client_id"), audiences)
    require_tls(stack.outputs.api_url, f"The token in {TOKEN_VARIABLE}")
    return token


def _require(stack: DeployedStack, name: str, claim: Any, accepted: list[str]) -> None:
    """Refuse a token whose claim has none of the accepted values."""
    found = [value for value in (claim if isinstance(claim, list) else [claim]) if isinstance(value, str)]
    if set(found).isdisjoint(accepted):
        shown = printable(", ".join(found), 200) if found else "missing"
        raise FtaskError(
            f"The token in {TOKEN_VARIABLE} was not sent: its {name} is {shown}, and stage"
            f" {stack.target.stage_name!r} accepts {', '.join(accepted)}.",
            f"Set {TOKEN_VARIABLE} to a token for this stage, or choose the stage that it is for with --stage.",
        )


def _claims(token: str) -> dict[str, Any] | None:
    """Return the claims of a token, unverified; None if it is not a JSON Web Token."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)).decode()
    except ValueError:
        return None
    return json_object(text)
