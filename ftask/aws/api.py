"""The stage's own HTTP API for commands: the application's client, without its handles.

Where the API takes bearer tokens: a token goes only to the stage that it was issued for.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.utils import get_environ_proxies

from ftask.aws.stack import DeployedStack
from ftask.aws.target import Target, read_profile
from ftask.client.answers import Accepted
from ftask.client.calls import Calls, Part
from ftask.client.connection import TOKEN_VARIABLE, Connection, ca_bundle, require_tls
from ftask.client.requests import Request, TaskRequest
from ftask.client.retrying import RetryRule
from ftask.client.transport import HttpClient, Transport, open_http
from ftask.core.errors import FtaskError
from ftask.core.text import json_object, printable


@dataclass
class ApiClient:
    """Calls the API at `url`; many threads may share it. Setting `stopping` ends the retries.

    Requests carry the bearer `token`, or a signature where it is None. `find_url` returns the URL of the API as the
    stack has it now; it is given where `url` may be an old one.
    """

    target: Target
    url: str
    stopping: threading.Event = field(default_factory=threading.Event)
    rule: RetryRule = field(default_factory=RetryRule)
    http: HttpClient | None = None
    token: str | None = field(default=None, repr=False)
    find_url: Callable[[], str] | None = None

    @cached_property
    def _calls(self) -> Calls:
        target = self.target
        return Calls(
            Connection(
                *(self.url, target.region_name, target.credentials, self.token, self.find_url),
                # A proxy does not reach this machine.
                proxies={} if target.is_on_this_machine else get_environ_proxies(self.url),
                ca_bundle=ca_bundle(
                    None if target.is_on_this_machine else read_profile(target.profile).settings.get("ca_bundle")
                ),
            ),
            self.rule,
        )

    @cached_property
    def _transport(self) -> Transport:
        connection = self._calls.connection
        return Transport(
            connection, self.http or open_http(connection), lambda seconds: not self.stopping.wait(seconds)
        )

    def submit(self, task: TaskRequest) -> Accepted:
        """Submit one task; see :meth:`ftask.client.calls.Calls.submit`."""
        return self._transport.run(self._calls.submit(task))

    def submit_parts(self, tasks: Sequence[TaskRequest]) -> list[Part]:
        """Submit up to 100 tasks; see :meth:`ftask.client.calls.Calls.submit_parts`."""
        return self._transport.run(self._calls.submit_parts(tasks))

    def get(self, task_id: str) -> dict[str, Any]:
        """Return the public form of the task; see :meth:`ftask.client.calls.Calls.get`."""
        return self._transport.run(self._calls.get(task_id))

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI document of the deployed API."""
        return self._transport.run(self._calls.send(Request("GET", "/openapi.json")))


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
