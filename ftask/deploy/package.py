"""A deployment as files, for those who deploy by other means than ftask: a pipeline, CDK or Terraform."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ftask.deploy.artifacts import archive_key
from ftask.deploy.build import Code
from ftask.deploy.parameters import without_spaces


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
