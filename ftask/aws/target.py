"""Where a command works: a stage, its credentials, its region and, unless it is AWS's public one, its endpoint."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.session import Session
from botocore.utils import JSONFileCache

from ftask.aws.errors import translate, translate_aws_errors
from ftask.core.errors import FtaskError, InvalidInputError
from ftask.core.local_stage import LOCAL_REGION, LOCAL_STAGE
from ftask.core.service_models import use_service_models

# What makes clients is imported with the first one: a command that only calls the API needs none.
if TYPE_CHECKING:
    from types_boto3_cloudformation.client import CloudFormationClient
    from types_boto3_cloudwatch.client import CloudWatchClient
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_lambda.client import LambdaClient
    from types_boto3_logs.client import CloudWatchLogsClient
    from types_boto3_s3.client import S3Client
    from types_boto3_sqs.client import SQSClient
    from types_boto3_sts.client import STSClient

# The domains of AWS's endpoints in each partition, private ones (AWS PrivateLink) included.
# https://docs.aws.amazon.com/general/latest/gr/rande.html
_AWS_DOMAINS = (
    *(".amazonaws.com", ".api.aws"),
    *(".amazonaws.com.cn", ".api.amazonwebservices.com.cn"),
    *(".amazonaws.eu", ".api.amazonwebservices.eu"),
    *(".c2s.ic.gov", ".sc2s.sgov.gov", ".cloud.adc-e.uk", ".csp.hci.ic.gov"),
    *(".api.aws.ic.gov", ".api.aws.scloud", ".api.cloud-aws.adc-e.uk", ".api.aws.hci.ic.gov"),
)

T = TypeVar("T")

_STAGE = re.compile(r"[a-z][a-z0-9-]{0,29}")


def _client(service: str) -> Any:
    """Return an attribute of a target: the client of this service of AWS."""
    return cached_property(lambda target: target.client(service))


@dataclass(frozen=True)
class Target:
    """One stage in one account and region.

    `endpoint_url` is None for AWS's public endpoints; otherwise it is a private endpoint of AWS, or an emulator.
    `default_stage` is the one that a command works on without --stage.
    """

    stage_name: str
    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    default_stage: str = LOCAL_STAGE
    # Clients, each made when it is first used.
    cloudformation: ClassVar[CloudFormationClient] = _client("cloudformation")
    cloudwatch: ClassVar[CloudWatchClient] = _client("cloudwatch")
    dynamodb: ClassVar[DynamoDBClient] = _client("dynamodb")
    lambda_: ClassVar[LambdaClient] = _client("lambda")
    logs: ClassVar[CloudWatchLogsClient] = _client("logs")
    s3: ClassVar[S3Client] = _client("s3")
    sqs: ClassVar[SQSClient] = _client("sqs")
    ssm: ClassVar[Any] = _client("ssm")
    sts: ClassVar[STSClient] = _client("sts")

    def __post_init__(self) -> None:
        if not _STAGE.fullmatch(self.stage_name):
            raise InvalidInputError(
                f"Invalid stage name {self.stage_name!r}.",
                "Use up to 30 lower-case letters, digits and hyphens, beginning with a letter, like prod.",
            )
        if self.endpoint_url is not None and not self.endpoint_url.startswith(("http://", "https://")):
            raise InvalidInputError(
                f"Invalid endpoint URL {self.endpoint_url!r}.", "Begin it with http:// or https://."
            )

    @classmethod
    def local(cls, endpoint_url: str, access_key: str, secret_key: str, stage: str = LOCAL_STAGE) -> Target:
        """Return the target of a stage on this machine's engine, with the engine's root key."""
        return cls(stage, None, LOCAL_REGION, endpoint_url, access_key, secret_key)

    @property
    def stack_name(self) -> str:
        return f"ftask-{self.stage_name}"

    @property
    def is_emulated(self) -> bool:
        """Whether the endpoint is an emulator of AWS: it answers at once, and serves an API under a path."""
        if self.endpoint_url is None:
            return False
        host = urlsplit(self.endpoint_url).hostname or ""
        return not host.endswith(_AWS_DOMAINS)

    @property
    def is_on_this_machine(self) -> bool:
        """Whether it is the local engine, which has keys of its own."""
        return self.access_key is not None

    def choose(self, *, aws: T, emulator: T) -> T:
        """Return what fits the endpoint, like the seconds between two rounds of polling."""
        return emulator if self.is_emulated else aws

    @cached_property
    def session(self) -> Session:
        """The session of the usual credential chain, or of the stage's own keys alone.

        Raises:
            FtaskError: the profile does not exist, or no region is configured.
        """
        if self.access_key is None or self.secret_key is None:
            session = Session(profile=self.profile)
        else:
            session = _session_without_profiles()
            session.set_credentials(self.access_key, self.secret_key)
        if self.region is not None:
            session.set_config_variable("region", self.region)
        try:
            session.get_scoped_config()  # which a profile that does not exist has not
            region = session.get_config_variable("region")
            if self.access_key is None:
                # Where the AWS CLI keeps them, so that both ask for a code of MFA once.
                # https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html#cli-configure-role-cache
                assume_role = session.get_component("credential_provider").get_provider("assume-role")
                assume_role.cache = JSONFileCache(str(Path("~/.aws/cli/cache").expanduser()))
        except BotoCoreError as error:
            raise translate(error) from error
        if region is None:
            raise FtaskError(
                f"No AWS region is configured for stage {self.stage_name!r}.",
                "Set one with --region, with AWS_REGION, or in the profile.",
            )
        return session

    @property
    def region_name(self) -> str:
        return self.region or str(self.session.get_config_variable("region"))

    @property
    def partition(self) -> str:
        """The partition of the region, like aws or aws-cn."""
        return str(self.session.get_partition_for_region(self.region_name))

    def credentials(self) -> Credentials:
        """Return the credentials that sign requests.

        Raises:
            FtaskError: the credential chain has none.
        """
        if self.access_key is not None and self.secret_key is not None:
            return Credentials(self.access_key, self.secret_key)
        with translate_aws_errors():
            credentials: Credentials | None = self.session.get_credentials()
        if credentials is None:
            raise FtaskError(
                f"No AWS credentials were found for stage {self.stage_name!r}.",
                "Log in (aws sso login), or set AWS_PROFILE or --profile."
                " To work without an account, use the stage 'local'.",
            )
        return credentials

    def invoking_lambda(self, seconds: float) -> LambdaClient:
        """Return a client that waits this long for a function, and does not invoke it again when no answer comes."""
        client: LambdaClient = self.client("lambda", Config(read_timeout=seconds, retries={"total_max_attempts": 1}))
        return client

    def concurrency_limit(self) -> int | None:
        """Return how many functions without reserved concurrency may run at once; None if the endpoint has no limit.

        New accounts have 10, until AWS raises it.
        https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

        Raises:
            FtaskError: the credentials may not ask.
        """
        with translate_aws_errors():
            limits: Any = self.lambda_.get_account_settings().get("AccountLimit", {})
        limit = limits.get("UnreservedConcurrentExecutions", limits.get("ConcurrentExecutions"))
        return limit if isinstance(limit, int) else None

    def client(self, service: str, special: Config | None = None) -> Any:
        """Return a new client; `special` settings go before those of every client."""
        self.credentials()
        # The virtual hosts of an emulator's buckets may not resolve.
        addressing: Any = self.choose(aws={}, emulator={"addressing_style": "path"})
        use_service_models(self.session)
        config = Config(
            connect_timeout=5,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 4},
            max_pool_connections=16,
            s3=addressing,
            # A proxy of the environment does not reach this machine.
            proxies={} if self.is_on_this_machine else None,
        )
        client: Any = self.session.create_client(
            service, endpoint_url=self.endpoint_url, config=config if special is None else config.merge(special)
        )
        return client


def _session_without_profiles() -> Session:
    """Return a session that ignores AWS_PROFILE and the files of the AWS CLI, as a stage with its own keys needs it."""
    no_file = (None, None, os.devnull, None)
    return Session({"profile": (None, None, None, None), "config_file": no_file, "credentials_file": no_file})


@dataclass(frozen=True, slots=True)
class Profile:
    """The settings of one profile, and the file that most of them are kept in."""

    name: str
    path: str
    settings: Mapping[str, str] = field(default_factory=dict)


def read_profile(name: str | None) -> Profile:
    """Return the profile of this name, or the default one; without settings if the profile does not exist."""
    session = Session(profile=name)
    path = str(session.get_config_variable("config_file"))
    try:
        return Profile(name or "default", path, session.get_scoped_config())
    except BotoCoreError:  # whoever needs the profile's credentials reports it
        return Profile(name or "default", path)
