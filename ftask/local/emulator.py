"""What the guard needs to know of ministack, whose undocumented parts are used here and nowhere else."""

from __future__ import annotations

import os
import re
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, responses, router, sigv4

from ftask.local.guard import ANONYMOUS, Claim, Refusal, Request, Route

_ALGORITHM = "AWS4-HMAC-SHA256"
_API_PATHS = "/_aws/execute-api/"
# Types of authorization that need no signature; the API itself checks the token of JWT.
_UNSIGNED_TYPES = frozenset({"NONE", "JWT"})
# How far a clock may be off, and how long a presigned request may be valid.
# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
_CLOCK_SKEW = timedelta(minutes=15)
_LONGEST_PRESIGNED = timedelta(days=7)
_QUERY_CREDENTIALS = frozenset({"x-amz-credential", "awsaccesskeyid"})

Credentials = Callable[[dict[str, Any]], dict[str, str]]


@dataclass(frozen=True, slots=True)
class _Route:
    """A route of an HTTP API, and the API's CORS settings."""

    is_open: bool
    cors: Mapping[str, Any]

    def allows_origin(self, origin: str) -> bool:
        return bool(_apigateway()._cors_response_headers(self.cors, origin))


@dataclass(frozen=True, slots=True)
class _Claim:
    """A signature by an existing key, whose secret it was made with or not."""

    request: Request
    signature: Any
    secret: str
    is_root: bool
    is_presigned: bool

    def refusal(self, body: bytes) -> Refusal | None:
        request = self.request
        failure = sigv4.header_signature_failure(
            self.signature,
            self.secret,
            request.method,
            request.raw_path,
            request.query,
            request.headers,
            body,
            presigned=self.is_presigned,
        )
        return None if failure is None else Refusal(*failure)


class Ministack:
    """ministack in this process, whose root key is the one of its environment."""

    def __init__(self, variables: Mapping[str, str] = os.environ) -> None:
        self._root_key, self._root_secret = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]

    def route(self, request: Request) -> Route | None:
        """Return the route of a deployed HTTP API that the request is for, None if it is for anything else."""
        if not request.path.startswith(_API_PATHS):
            return None
        parsed = app._parse_execute_api_url(request.headers.get("host", ""), request.path)
        if parsed is None:
            return None
        api_id, stage, path = parsed
        apigateway = _apigateway()
        owner = apigateway.find_api_scope(api_id)
        if owner is None:
            return None
        stage, path = app._resolve_stage_and_path(api_id, stage, path)
        # None where the API has no such route.
        kind = apigateway.route_authorization_type(api_id, stage, request.method, path)
        api = apigateway._apis.get_scoped(*owner, api_id)
        return _Route(kind in _UNSIGNED_TYPES, api.get("corsConfiguration") or {})

    def claim(self, request: Request) -> Claim | Refusal:
        """Return the key that the request names, if it exists and the request is not too old."""
        authorization = request.headers.get("authorization")
        in_query = [name for name in request.query if name.lower() in _QUERY_CREDENTIALS]
        if authorization is None and not in_query:
            return Refusal(ANONYMOUS, "Request is missing Authentication Token")
        if len(in_query) + (authorization is not None) > 1:
            return Refusal("IncompleteSignature", "The request has more than one signature.")
        is_presigned = authorization is None
        algorithm = _value(request, "X-Amz-Algorithm") if authorization is None else authorization.partition(" ")[0]
        if algorithm != _ALGORITHM:
            return Refusal("IncompleteSignature", f"The local engine accepts Signature Version 4 only ({_ALGORITHM}).")
        parse = sigv4.parse_query_signature if is_presigned else sigv4.parse_header_signature
        signature = parse(request.query if is_presigned else request.headers)
        if isinstance(signature, tuple):
            return Refusal(*signature)
        key = signature.access_key_id
        # ministack decides by its own reading of the request what the caller may do.
        if router.extract_access_key_id(request.headers, request.query) != key:
            return Refusal("IncompleteSignature", "The request names more than one access key.")
        late = _presigned_failure(request, signature) if is_presigned else sigv4.request_time_failure(signature)
        if late is not None:
            return Refusal(*late)
        token = request.headers.get("x-amz-security-token") or _value(request, "X-Amz-Security-Token")
        is_root = key == self._root_key and not token
        secret = self._root_secret if is_root else _secret(key, token)
        return secret if isinstance(secret, Refusal) else _Claim(request, signature, secret, is_root, is_presigned)

    def refused(self, request: Request, refusal: Refusal) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and body of a refusal, in the protocol of the service that is called."""
        service = router.detect_service(request.method, request.path, request.headers, request.query)
        error = iam_evaluator.AuthError(refusal.code, refusal.message)
        status, headers, body = app._credential_failure(service, "", str(uuid.uuid4()), error, request.headers)
        return status, headers, body


def with_unpredictable_secrets(credentials: Credentials) -> Credentials:
    """Return ministack's function that makes a function's credentials, with credentials that nobody can compute.

    ministack derives them from the names of the function and of its role alone. A random path in the role's ARN makes
    them random; it is not part of the role's name.
    """
    salt = secrets.token_hex(16)

    def salted(configuration: dict[str, Any]) -> dict[str, str]:
        prefix, _, role_name = configuration.get("Role", "").rpartition("/")
        return credentials(configuration | {"Role": f"{prefix}/{salt}/{role_name}"})

    return salted


def _apigateway() -> Any:
    return app._get_module("apigateway")


def _value(request: Request, name: str) -> str:
    return request.query.get(name, [""])[0]


def _secret(key: str, token: str) -> str | Refusal:
    """Return the secret of an IAM user's access key, or of a role's session with its token, or why it is unknown."""
    unknown = iam_evaluator._unknown_access_key()
    # ministack takes several other keys for root too.
    if iam_evaluator.is_root_access_key(key):
        return Refusal(unknown.code, unknown.message)
    try:
        account = responses._account_from_sts_session(key) or iam_evaluator.find_iam_access_key_account(key)
    except iam_evaluator.AmbiguousAccessKeyError:
        return Refusal(unknown.code, unknown.message)
    credential = iam_evaluator.resolve_credential(key, account, token)
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        return Refusal(credential.code, credential.message)
    return str(credential.secret_access_key)


def _presigned_failure(request: Request, signature: Any) -> tuple[str, str] | None:
    """Return why a presigned request is not valid at this time, or None if it is."""
    expires = _value(request, "X-Amz-Expires")
    if not re.fullmatch(r"[0-9]{1,6}", expires) or not re.fullmatch(r"[0-9]{8}T[0-9]{6}Z", signature.amz_date):
        return "AuthorizationQueryParametersError", "X-Amz-Date and X-Amz-Expires must be a time and seconds."
    try:
        signed_at = datetime.strptime(signature.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return "AuthorizationQueryParametersError", f"X-Amz-Date {signature.amz_date} is invalid."
    lifetime = min(timedelta(seconds=int(expires)), _LONGEST_PRESIGNED)
    if not signed_at - _CLOCK_SKEW <= datetime.now(UTC) <= signed_at + lifetime:
        return "AccessDenied", "Request has expired"
    return None
