"""The bucket of code archives: one for each account and region, made on first use."""

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
class StoredArchive:
    """Where an archive lies. Its key holds its hash: CloudFormation only notices a changed key."""

    bucket: str
    key: str
    sha256: str
    uploaded: bool


def store(target: Target, archive: Archive, own_bucket: str | None = None) -> StoredArchive:
    """Put the archive where CloudFormation reads it; does nothing if it is there.

    In `own_bucket`, a bucket of the team's, which has to exist; without it in ftask's, made on first use.
    """
    with translate_aws_errors():
        account = target.sts.get_caller_identity()["Account"]
        bucket = own_bucket or bucket_name(target, account)
        key = f"{target.stack_name}/{archive.sha256}.zip"
        if not _exists(target, bucket, account):
            if own_bucket is not None:
                raise FtaskError(f"There is no bucket {bucket}.", "Make it first, or leave --artifact-bucket out.")
            _make(target, bucket)
        try:
            target.s3.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account)
        except ClientError as error:
            if _status(error) != 404:
                raise
            target.s3.put_object(Bucket=bucket, Key=key, Body=archive.content, ExpectedBucketOwner=account)
            return StoredArchive(bucket, key, archive.sha256, uploaded=True)
    return StoredArchive(bucket, key, archive.sha256, uploaded=False)


def discard(target: Target, bucket: str) -> None:
    """Delete the stage's archives in `bucket`, and the bucket with the last of them if it is ftask's own."""
    with translate_aws_errors():
        account = target.sts.get_caller_identity()["Account"]
        if not _exists(target, bucket, account):
            return
        pages = target.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, ExpectedBucketOwner=account)
        found = [
            (entry["Key"], entry["VersionId"])
            for page in pages
            for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        own = [entry for entry in found if entry[0].startswith(f"{target.stack_name}/")]
        for key, version in own:
            target.s3.delete_object(Bucket=bucket, Key=key, VersionId=version, ExpectedBucketOwner=account)
        if len(own) == len(found) and bucket == bucket_name(target, account):
            target.s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=account)


def bucket_name(target: Target, account: str) -> str:
    return f"ftask-artifacts-{account}-{target.region_name}"


def _exists(target: Target, bucket: str, account: str) -> bool:
    try:
        target.s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if _status(error) == 403:
            raise FtaskError(
                f"The bucket {bucket} may not be used.",
                "It belongs to another account, or s3:ListBucket on it is missing.",
            ) from error
        if _status(error) != 404:
            raise
        return False
    return True


def _make(target: Target, bucket: str) -> None:
    if target.region_name == "us-east-1":  # the one region that may not be named
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
    # An archive that somebody overwrote or deleted can be had back for a while.
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
