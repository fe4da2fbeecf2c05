"""HTTP connections to the stage's API, through the same proxies and with the same certificates as boto3's clients."""

from __future__ import annotations

import os
from typing import Any

from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from ftask.aws.profile import read_profile
from ftask.aws.target import Target

# A little longer than the 30 s after which API Gateway itself gives up.
TIMEOUT_SECONDS = 35
CONNECTIONS = 16


def open_session(target: Target, url: str) -> URLLib3Session:
    """Return a session for requests to `url`; threads may share it.

    HTTP_PROXY, HTTPS_PROXY and NO_PROXY choose the proxy, except to the local engine; AWS_CA_BUNDLE, the profile's
    `ca_bundle`, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE, in this order, name a file of trusted certificates.
    """
    verify: Any = _ca_bundle(target) or True
    return URLLib3Session(
        verify=verify,
        proxies={} if target.is_on_this_machine else get_environ_proxies(url),
        timeout=TIMEOUT_SECONDS,
        max_pool_connections=CONNECTIONS,
    )


def _ca_bundle(target: Target) -> str | None:
    in_profile = None if target.access_key else _profile_setting(target.profile, "ca_bundle")
    candidates = (
        os.environ.get("AWS_CA_BUNDLE"),
        in_profile,
        os.environ.get("REQUESTS_CA_BUNDLE"),
        os.environ.get("CURL_CA_BUNDLE"),
    )
    return next((bundle for bundle in candidates if bundle), None)


def _profile_setting(profile: str | None, name: str) -> str | None:
    return read_profile(profile).settings.get(name)
