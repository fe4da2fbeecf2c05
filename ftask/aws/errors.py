"""What AWS's errors mean to an operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import ConnectionError as AwsConnectionError

from ftask.core.errors import FtaskError

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_INVALID = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "AuthFailure",
    }
)
# The answer to a HEAD request has no body that could name its error.
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})

_LOGIN = "Log in again (aws sso login), or choose other credentials with --profile."


class UnreachableError(FtaskError):
    """Nothing answers at the endpoint."""


@contextmanager
def translate_aws_errors() -> Iterator[None]:
    """Raise what botocore raises as an :class:`FtaskError` that says what to do."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translate(error) from error


def translate(error: BotoCoreError | ClientError) -> FtaskError:
    """Return the error as one sentence of what happened and one of what to do."""
    if isinstance(error, ClientError):
        return _translate_answer(error)
    if isinstance(error, ProfileNotFound):
        return FtaskError(f"{error}.", "See the profiles that there are with: aws configure list-profiles")
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return FtaskError(f"{str(error).rstrip('.')}.", _LOGIN)
    if isinstance(error, SSOError | UnauthorizedSSOTokenError | TokenRetrievalError):
        return FtaskError(f"The login has ended: {error}", _LOGIN)
    # Refused, timed out, reset, not resolved, a bad certificate.
    if isinstance(error, HTTPClientError | AwsConnectionError):
        return UnreachableError(
            f"{str(error).rstrip('.')}.", "Check the network, the region's name and --endpoint-url."
        )
    return FtaskError(str(error))


def _translate_answer(error: ClientError) -> FtaskError:
    details = error.response.get("Error", {})
    code, message = details.get("Code", "Unknown"), details.get("Message", str(error))
    if code in _EXPIRED:
        return FtaskError("The credentials have expired.", _LOGIN)
    if code in _INVALID:
        return FtaskError(
            f"AWS does not accept these credentials ({code}).",
            "Check --profile, AWS_PROFILE and the region; a wrong clock makes signatures invalid too.",
        )
    if code in _DENIED:
        return FtaskError(
            f"AWS denied {error.operation_name}: {message}",
            "Ask for this permission, or use another --profile.",
        )
    if code in _THROTTLED:
        return FtaskError(f"AWS throttles {error.operation_name}.", "Wait a minute and run the command again.")
    return FtaskError(f"{error.operation_name} failed: {message} ({code})")
