"""The bucket of code archives: one for each account and region, made on first use; or one of the team's."""

from __future__ import annotations

import json
from dataclasses import dataclass

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.deploy.package import Archive

OLD_VERSION_DAYS = 30


@dataclass(frozen=True, slots=True)
class CodeLocation:
    """Where an archive lies, or will. The key holds the archive's hash: CloudFormation only notices a changed key.

    `account` owns the bucket; `is_own_bucket` says that the team made it, and not ftask.
    """

    bucket: str
    key: str
    sha256: str
    account: str
    is_own_bucket: bool = False


def locate(target: Target, archive: Archive, own_bucket: str | None = None) -> CodeLocation:
    """Return where CloudFormation will read the archive. Changes nothing.

    That is in `own_bucket`, which has to exist; without it in ftask's bucket, which `upload` makes on first use.

    Raises:
        FtaskError: there is no bucket of that name, or these credentials may not use it.
    """
    with translate_aws_errors():
        account = target.sts.get_caller_identity()["Account"]
        if own_bucket is not None and not _exists(target, own_bucket, account):
            raise FtaskError(
                f"Bucket {own_bucket} does not exist.", "Create it first, or deploy without --artifact-bucket."
            )
    key = f"{target.stack_name}/{archive.sha256}.zip"
    bucket = own_bucket or bucket_name(target, account)
    return CodeLocation(bucket, key, archive.sha256, account, is_own_bucket=own_bucket is not None)


def upload(target: Target, archive: Archive, location: CodeLocation) -> bool:
    """Put the archive where it belongs, and make ftask's bucket on first use; return False if it was there before."""
    bucket, key, account = location.bucket, location.key, location.account
    with translate_aws_errors():
        if not location.is_own_bucket and not _exists(target, bucket, account):
            _make(target, bucket)
        try:
            target.s3.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account)
        except ClientError as error:
            if _status(error) != 404:
                raise
            target.s3.put_object(Bucket=bucket, Key=key, Body=archive.content, ExpectedBucketOwner=account)
            return True
    return False


def discard(target: Target, bucket: str) -> None:
    """Delete the stage's archives in `bucket`, and the bucket too if it is ftask's and now empty."""
    with translate_aws_errors():
        account = target.sts.get_caller_identity()["Account"]
        if not _exists(target, bucket, account):
            return
        pages = target.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, ExpectedBucketOwner=account)
        versions = [
            (entry["Key"], entry["VersionId"])
            for page in pages
            for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        of_stage = [entry for entry in versions if entry[0].startswith(f"{target.stack_name}/")]
        for key, version in of_stage:
            target.s3.delete_object(Bucket=bucket, Key=key, VersionId=version, ExpectedBucketOwner=account)
        if len(of_stage) == len(versions) and bucket == bucket_name(target, account):
            target.s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=account)


def bucket_name(target: Target, account: str) -> str:
    return f"ftask-artifacts-{account}-{target.region_name}"


def _exists(target: Target, bucket: str, account: str) -> bool:
    try:
        target.s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if _status(error) == 403:
            raise FtaskError(
                f"S3 denies access to bucket {bucket}.",
                "Either another account owns it, or these credentials lack s3:ListBucket on it.",
            ) from error
        if _status(error) != 404:
            raise
        return False
    return True


def _make(target: Target, bucket: str) -> None:
    if target.region_name == "us-east-1":  # S3 refuses this one as a location
        target.s3.create_bucket(Bucket=bucket)
    else:
        location = target.region_name
        target.s3.create_bucket(
            Bucket=bucket,
            CreateBucketConfiguration={"LocationConstraint": location},  # type: ignore[typeddict-item]  # any region
        )
    target.s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    target.s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    # An archive that somebody overwrote or deleted can be restored for a while.
    target.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    target.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "old-versions",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": OLD_VERSION_DAYS},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
                }
            ]
        },
    )
    if not (target.endpoint_url or "").startswith("http://"):
        target.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(_tls_only(target, bucket)))


def _tls_only(target: Target, bucket: str) -> dict[str, object]:
    partition = target.session.get_partition_for_region(target.region_name)
    arn = f"arn:{partition}:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }


def _status(error: ClientError) -> int:
    status: int = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status
