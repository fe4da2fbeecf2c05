"""The bucket of code archives: one for each account and region, made on first use; or one of the team's."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.deploy.build import Code, CodeArchive
from ftask.deploy.parameters import without_spaces

OLD_VERSION_DAYS = 30
# Ends a name that no other account can have, and which S3 gives to a bucket of this namespace only.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/gpbucketnamespaces.html
_ACCOUNT_REGIONAL = "-an"


@dataclass(frozen=True, slots=True)
class CodeLocation:
    """Where the archives lie, or will. A key holds the hash of the code: CloudFormation only notices a changed key.

    `account` owns the bucket; `is_own_bucket` says that the team makes it, and not ftask.
    """

    bucket: str
    api_key: str
    worker_key: str
    account: str
    is_own_bucket: bool = False


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An archive in the bucket; `zipped_bytes` is its size, None if it was there before."""

    key: str
    zipped_bytes: int | None


def locate(target: Target, code: Code, own_bucket: str | None = None) -> CodeLocation:
    """Return where CloudFormation will read the archives. Changes nothing.

    That is in `own_bucket`, which has to exist. Without it, or if it is a name of ftask's bucket, that is the bucket
    which `upload` makes on first use.

    Raises:
        FtaskError: the bucket does not exist, or these credentials may not use it.
    """
    with translate_aws_errors():
        account = target.sts.get_caller_identity()["Account"]
        is_own_bucket = own_bucket is not None and own_bucket not in bucket_names(target, account)
        if own_bucket is not None and is_own_bucket and not _exists(target, own_bucket, account):
            raise FtaskError(
                f"Bucket {own_bucket} does not exist.", "Create it first, or deploy without --artifact-bucket."
            )
    return CodeLocation(
        own_bucket or bucket_names(target, account)[0],
        archive_key(target.stack_name, code.api),
        archive_key(target.stack_name, code.worker),
        account,
        is_own_bucket,
    )


def archive_key(stack_name: str, archive: CodeArchive) -> str:
    """Return the key of an archive in the bucket."""
    return f"{stack_name}/{archive.sha256}.zip"


def upload(target: Target, code: Code, location: CodeLocation) -> Iterator[Uploaded]:
    """Put the archives where they belong, and yield each; make ftask's bucket on first use."""
    bucket, account = location.bucket, location.account
    with translate_aws_errors():
        if not location.is_own_bucket:
            if not _exists(target, bucket, account):
                _make(target, bucket)
            # Whoever was interrupted while the bucket was made has put nothing into it.
            if not target.s3.list_objects_v2(Bucket=bucket, MaxKeys=1, ExpectedBucketOwner=account).get("KeyCount"):
                _protect(target, bucket)
        for key, archive in ((location.api_key, code.api), (location.worker_key, code.worker)):
            yield Uploaded(key, _put_new(target, bucket, account, key, archive))


def _put_new(target: Target, bucket: str, account: str, key: str, archive: CodeArchive) -> int | None:
    """Put the archive, and return the size of its zip in bytes; None if it was there before."""
    try:
        target.s3.head_object(Bucket=bucket, Key=key, ExpectedBucketOwner=account)
    except ClientError as error:
        if _status(error) != 404:
            raise
    else:
        return None
    with tempfile.TemporaryDirectory(prefix="ftask-zip-") as folder:
        path = Path(folder, "code.zip")
        archive.write(path)
        with path.open("rb") as body:
            # The checksum is what `ftask doctor` compares with the code that a function runs.
            target.s3.put_object(
                Bucket=bucket, Key=key, Body=body, ExpectedBucketOwner=account, ChecksumAlgorithm="SHA256"
            )
        return path.stat().st_size


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
        if len(of_stage) == len(versions) and bucket in bucket_names(target, account):
            target.s3.delete_bucket(Bucket=bucket, ExpectedBucketOwner=account)


def bucket_names(target: Target, account: str) -> tuple[str, str]:
    """Return the names that ftask's bucket may have: the usual one, and the one that no other account can take."""
    name = f"ftask-artifacts-{account}-{target.region_name}"
    return name, name + _ACCOUNT_REGIONAL


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
    request: Any = {"Bucket": bucket}
    if target.region_name != "us-east-1":  # S3 refuses this one as a location
        request["CreateBucketConfiguration"] = {"LocationConstraint": target.region_name}
    if bucket.endswith(_ACCOUNT_REGIONAL):
        request["BucketNamespace"] = "account-regional"
    target.s3.create_bucket(**request)


def _protect(target: Target, bucket: str) -> None:
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


@dataclass(frozen=True, slots=True)
class Package:
    """The files of a deployment. The archives lie below `folder` under their keys in the bucket."""

    folder: Path
    template: Path
    parameters: Path
    api_archive: Path
    worker_archive: Path


def write_package(
    folder: Path, stack_name: str, template: str, code: Code, overrides: Mapping[str, str], bucket: str | None = None
) -> Package:
    """Write the files into `folder`, which is made if it does not exist; other files in it stay.

    `overrides` are parameters that get another value than they have. Without the `bucket` of the archives, the file of
    parameters does not name one.
    """
    api_key, worker_key = archive_key(stack_name, code.api), archive_key(stack_name, code.worker)
    package = Package(
        folder, folder / "template.yaml", folder / "parameters.json", folder / api_key, folder / worker_key
    )
    package.api_archive.parent.mkdir(parents=True, exist_ok=True)
    package.template.write_text(template, encoding="utf-8")
    code.api.write(package.api_archive)
    code.worker.write(package.worker_archive)
    values = {
        **without_spaces(overrides),
        **({} if bucket is None else {"CodeBucket": bucket}),
        "CodeKey": api_key,
        "WorkerCodeKey": worker_key,
    }
    # The form of the AWS CLI: aws cloudformation deploy --parameter-overrides file://parameters.json
    listed = [{"ParameterKey": name, "ParameterValue": value} for name, value in sorted(values.items())]
    package.parameters.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")
    return package
