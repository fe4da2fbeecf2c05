"""Reads and writes an S3 bucket; policy.json allows it."""

import os
from datetime import date
from functools import cache
from typing import Any

import boto3

from ftask import task


@cache
def s3() -> Any:
    """Return the client, made once in each process of a worker."""
    return boto3.client("s3")


def key_of(day: date) -> str:
    """Return the name of the report of a day in the bucket."""
    return f"{day:%Y/%m/%d}.txt"


@task
def write_report(day: date, lines: list[str]) -> str:
    """Write the report of a day, and return where it lies."""
    s3().put_object(Bucket=os.environ["REPORTS_BUCKET"], Key=key_of(day), Body="\n".join(lines).encode())
    return key_of(day)


@task
def count_lines(day: date) -> int:
    """Return how many lines the report of a day has."""
    report = s3().get_object(Bucket=os.environ["REPORTS_BUCKET"], Key=key_of(day))["Body"].read().decode()
    return len(report.splitlines())


@task(max_attempts=1)
def delete_report(day: date) -> None:
    """Delete the report of a day. It fails: no statement of policy.json allows s3:DeleteObject."""
    s3().delete_object(Bucket=os.environ["REPORTS_BUCKET"], Key=key_of(day))
