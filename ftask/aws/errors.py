"""AWS's errors as an operator reads them: what failed, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    MissingDependencyException,
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
# A HEAD request's answer has no body with an error code, only its HTTP status.
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})

_LOGIN = "Log in again (aws sso login), or choose other credentials with --profile."


class UnreachableError(FtaskError):
    """The endpoint does not answer."""


@contextmanager
def translate_aws_errors() -> Iterator[None]:
    """Turn botocore's errors into an :class:`FtaskError` that says what to do."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise translate(error) from error


def translate(error: BotoCoreError | ClientError) -> FtaskError:
    """Return the error that says the same to an operator, with a hint where one helps."""
    if isinstance(error, ClientError):
        return _translate_answer(error)
    if isinstance(error, ProfileNotFound):
        return FtaskError(f"{error}.", "List your profiles with: aws configure list-profiles")
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return FtaskError(f"{str(error).rstrip('.')}.", _LOGIN)
    if isinstance(error, SSOError | UnauthorizedSSOTokenError | TokenRetrievalError):
        return FtaskError(f"The AWS login has expired: {error}", _LOGIN)
    if isinstance(error, MissingDependencyException):
        return FtaskError(
            "The profile's credentials, like those of `aws login`, need a package that is not installed: awscrt.",
            'Install it where ftask is installed: pip install "botocore[crt]"',
        )
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
        return FtaskError(f"AWS throttled {error.operation_name}.", "Wait a minute and run the command again.")
    return FtaskError(f"{error.operation_name} failed: {message} ({code})")
