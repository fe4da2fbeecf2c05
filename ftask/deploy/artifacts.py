"""The bucket of code archives: one for each account and region, made on first use."""

from __future__ import annotations

import json
from dataclasses import dataclass

from botocore.exceptions import ClientError

from ftask.aws.target import Target, explained
from ftask.core.errors import FtaskError
from ftask.deploy.package import Archive


@dataclass(frozen=True, slots=True)
class StoredArchive:
    """Where an archive lies. Its key holds its hash: CloudFormation only notices a changed key."""

    bucket: str
    key: str
    sha256: str
    uploaded: bool


def store(target: Target, archive: Archive) -> StoredArchive:
    """Put the archive where CloudFormation reads it; does nothing if it is there."""
    with explained():
        account = target.sts.get_caller_identity()["Account"]
        bucket = bucket_name(target, account)
        key = f"{target.stack_name}/{archive.sha256}.zip"
        _ensure_bucket(target, bucket, account)
        try:
            target.s3.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account)
        except ClientError as error:
            if _status(error) != 404:
                raise
            target.s3.put_object(Bucket=bucket, Key=key, Body=archive.content, ExpectedBucketOwner=account)
            return StoredArchive(bucket, key, archive.sha256, uploaded=True)
    return StoredArchive(bucket, key, archive.sha256, uploaded=False)


def discard(target: Target) -> None:
    """Delete the stage's archives, and the bucket with the last stage's."""
    with explained():
        account = target.sts.get_caller_identity()["Account"]
        bucket = bucket_name(target, account)
        try:
            pages = target.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, ExpectedBucketOwner=account)
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        except ClientError as error:
            if _status(error) == 404:
                return
            raise
        own = [key for key in keys if key.startswith(f"{target.stack_name}/")]
        for key in own:
            target.s3.delete_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account)
        if len(own) == len(keys):
            target.s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=account)


def bucket_name(target: Target, account: str) -> str:
    return f"ftask-artifacts-{account}-{target.region_name}"


def _ensure_bucket(target: Target, bucket: str, account: str) -> None:
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
    else:
        return
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
