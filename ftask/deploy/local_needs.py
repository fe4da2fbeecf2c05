"""What a stage of the local engine needs besides its stack: the secrets and buckets that ftask.toml declares.

They are made at each deployment, so they exist after `ftask local reset` too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.core.local_stage import LOCAL_ACCOUNT, secret_path


def provide(target: Target, buckets: Iterable[str], secrets: Mapping[str, str]) -> None:
    """Make the buckets that are missing, and give each secret its value; secrets are by environment variable."""
    with translate_aws_errors():
        if buckets:
            existing = {bucket.get("Name") for bucket in target.s3.list_buckets()["Buckets"]}
            for bucket in buckets:
                if bucket not in existing:
                    target.s3.create_bucket(Bucket=bucket)
        for variable, value in secrets.items():
            target.ssm.put_parameter(
                Name=secret_path(target.stage_name, variable), Value=value, Type="SecureString", Overwrite=True
            )


def require_local_secrets(stage: str, arns: Mapping[str, str]) -> None:
    """Refuse a secret that lies in an account of AWS, which no worker of the local engine can read.

    Raises:
        FtaskError: there is one.
    """
    for variable, arn in arns.items():
        if arn.split(":")[4] != LOCAL_ACCOUNT:
            raise FtaskError(
                f"The secret {variable} has no value on the stage {stage!r}: {arn} is in an account of AWS.",
                f'Give it one for this machine in ftask.toml:\n[local.secrets]\n{variable} = "…"',
            )
