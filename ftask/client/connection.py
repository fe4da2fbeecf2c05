"""Where a client's API is, and with whose rights it is called."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session
from botocore.utils import get_environ_proxies

from ftask.client.errors import CredentialsError
from ftask.core.errors import FtaskError
from ftask.core.local_stage import LOCAL_REGION, LOCAL_STAGE, is_local

URL_VARIABLE = "FTASK_API_URL"
STAGE_VARIABLE = "FTASK_STAGE"
TOKEN_VARIABLE = "FTASK_TOKEN"  # noqa: S105 - the variable's name
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-publish.html
_REGION_OF_HOST = re.compile(r"\.execute-api\.([a-z0-9-]+)\.")


@dataclass
class Connection:
    """The URL of an API, and what its requests are signed with.

    `credentials` loads the caller's credentials; with a `token` they are not used. `find_url` returns the URL that the
    API has now; it is given where `url` may be an old one, and is called once. `proxies` are by URL scheme.
    """

    url: str
    region: str
    credentials: Callable[[], Credentials | None]
    token: str | None = field(default=None, repr=False)
    find_url: Callable[[], str] | None = None
    proxies: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: str | None = None
    _loaded: Credentials | None = field(default=None, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def must_load(self) -> bool:
        """Whether :meth:`signer` may ask a server or a program for credentials, which takes time."""
        if self.token is not None:
            return False
        refresh_needed = getattr(self._loaded, "refresh_needed", None)
        return self._loaded is None or (refresh_needed is not None and bool(refresh_needed()))

    def signer(self) -> ReadOnlyCredentials | None:
        """Return the credentials of the next request, None if it carries the token.

        Raises:
            CredentialsError: the credential chain has none, or they cannot be refreshed.
        """
        if self.token is not None:
            return None
        try:
            self._loaded = self._loaded or self.credentials()
            if self._loaded is None:
                raise CredentialsError(
                    "No AWS credentials were found.", "Log in (aws sso login), or set AWS_PROFILE, or pass profile=."
                )
            # Frozen: a refresh between reading the key and the token would mix two pairs.
            frozen: ReadOnlyCredentials = self._loaded.get_frozen_credentials()
        except (BotoCoreError, ClientError) as error:
            raise CredentialsError(
                f"The AWS credentials cannot be used: {error}", "Log in again: aws sso login"
            ) from error
        return frozen

    def is_elsewhere(self, url: str) -> bool:
        """Return whether the API has another URL than `url`, at which a request failed."""
        with self._lock:
            if self.url == url and self.find_url is not None:
                find_url, self.find_url = self.find_url, None
                self.url = find_url()
            return self.url != url


def connect(
    stage: str | None = None,
    *,
    api_url: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    token: str | None = None,
    variables: Mapping[str, str] = os.environ,
) -> Connection:
    """Return the connection to the API at `api_url`, else to that of `stage`.

    Without both, FTASK_API_URL or FTASK_STAGE says which; then it is the stage `local`. Only the URL of a stage is
    asked for, from CloudFormation. `token`, or FTASK_TOKEN with a URL, is for an API with JWT authorization.

    Raises:
        FtaskError: the stage is not deployed, the local engine does not run, or no region is configured.
    """
    url = api_url or (None if stage else variables.get(URL_VARIABLE))
    stage = stage or variables.get(STAGE_VARIABLE) or LOCAL_STAGE
    session: Any = Session(profile=profile)
    load = session.get_credentials
    if url is not None:
        url = _served(url.rstrip("/"), variables.get("AWS_ENDPOINT_URL"))
        token = token or variables.get(TOKEN_VARIABLE) or None
        connection = Connection(url, "", load, token)
    elif is_local(stage):
        connection = _local(stage, token)
        region = LOCAL_REGION
    else:

        def find_url() -> str:
            return _output(_describe(session, stage, region), "ApiUrl", stage)

        connection = Connection(find_url(), "", load, token, find_url=find_url)
    if connection.token is not None:
        require_tls(connection.url, "The token")
    known = _REGION_OF_HOST.search(urlsplit(connection.url).hostname or "")
    configured = region or (known and known[1]) or variables.get("AWS_REGION") or session.get_config_variable("region")
    if configured is None and connection.token is None:
        raise FtaskError("No AWS region is configured.", "Set AWS_REGION, or pass region=.")
    connection.region = str(configured)
    connection.ca_bundle = ca_bundle(session.get_scoped_config().get("ca_bundle"), variables)
    if urlsplit(connection.url).hostname not in _LOOPBACK:
        connection.proxies = get_environ_proxies(connection.url)
    return connection


def ca_bundle(in_profile: str | None, variables: Mapping[str, str] = os.environ) -> str | None:
    """Return the file of trusted certificates, None for the usual ones.

    AWS_CA_BUNDLE, the profile's `ca_bundle`, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE name it, in this order.
    """
    named = [variables.get("AWS_CA_BUNDLE"), in_profile, *map(variables.get, ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))]
    return next(filter(None, named), None)


def _served(url: str, endpoint_url: str | None) -> str:
    """Return where an API of AWS's is served if all of AWS is an emulator on this machine, as for its functions."""
    host, endpoint = urlsplit(url).hostname or "", urlsplit(endpoint_url or "")
    if endpoint.hostname not in _LOOPBACK or not _REGION_OF_HOST.search(host):
        return url
    return f"{(endpoint_url or '').rstrip('/')}/_aws/execute-api/{host.partition('.')[0]}{urlsplit(url).path}"


def _local(stage: str, token: str | None) -> Connection:
    """Return the connection to a stage of this machine's engine, with the engine's own key."""
    from ftask.local.engine import Engine  # a deployed worker, which has the URL, does not have the engine

    running = Engine().running()
    if running is None:
        raise FtaskError("The local engine does not run.", "Start it with: ftask local up")
    key = running.root_key
    session = Session()
    session.set_credentials(key.access_key_id, key.secret_access_key)
    stack = _describe(session, stage, LOCAL_REGION, running.endpoint_url)
    # The virtual host of an emulator's API may not resolve.
    path = f"{_output(stack, 'ApiId', stage)}/{_output(stack, 'ApiStage', stage)}"
    credentials = Credentials(key.access_key_id, key.secret_access_key)
    return Connection(f"{running.endpoint_url}/_aws/execute-api/{path}", "", lambda: credentials, token)


def _describe(session: Session, stage: str, region: str | None, endpoint_url: str | None = None) -> dict[str, Any]:
    try:
        client: Any = session.create_client("cloudformation", region_name=region, endpoint_url=endpoint_url)
        stack: dict[str, Any] = client.describe_stacks(StackName=f"ftask-{stage}")["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            raise FtaskError(
                f"Stage {stage!r} is not deployed in this account and region.",
                f"Deploy it with: ftask deploy -s {stage}",
            ) from error
        raise FtaskError(
            f"The URL of stage {stage!r} cannot be read: {error}",
            f"Set {URL_VARIABLE} to the URL that ftask info shows: then CloudFormation is not asked.",
        ) from error
    except BotoCoreError as error:
        raise FtaskError(str(error), "Check the network, the region and the AWS credentials.") from error
    return stack


def _output(stack: Mapping[str, Any], key: str, stage: str) -> str:
    for output in stack.get("Outputs", ()):
        if output["OutputKey"] == key:
            return str(output["OutputValue"])
    raise FtaskError(f"Stage {stage!r} is not completely deployed.", f"Finish it with: ftask deploy -s {stage}")


def require_tls(url: str, token: str) -> None:
    """Raise if a token would be sent over the network without TLS; `token` names it in the error."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        raise FtaskError(
            f"{token} was not sent: {parts.scheme}://{parts.hostname} has no TLS.", "Use an endpoint with https://."
        )
