"""`ftask package`: write what a deployment needs into a folder, and deploy nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ftask.cli.deploying import ArtifactBucket, Param, Upgrade, importing_python
from ftask.cli.invocation import Invocation
from ftask.cli.usage import UsageError
from ftask.core.errors import FtaskError
from ftask.deploy.artifacts import Package, write_package
from ftask.deploy.build import build_code
from ftask.deploy.deployment import final_template
from ftask.deploy.parameters import parse_overrides
from ftask.deploy.platforms import lambda_platform

# The import of the tasks needs a region where none is configured; nothing is called in it.
_IMPORT_REGION = "us-east-1"


def package(
    run: Invocation,
    to: Annotated[Path, typer.Option(metavar="DIR", help="Folder to write into.", file_okay=False)],
    param: Param = None,
    upgrade: Upgrade = False,
    artifact_bucket: ArtifactBucket = None,
) -> None:
    """Write the template, the code archives and the parameters for AWS into a folder.

    A pipeline, CDK or Terraform can deploy them. Nothing is deployed, and no account is needed.

    Examples:
        ftask package --stage prod --to build
    """
    if run.settings.uses_engine:
        raise UsageError(
            f"A package is for AWS, and the stage {run.stage_name!r} is on this machine.",
            "Name another stage with --stage.",
        )
    configured, screen = run.config.stage(run.stage_name), run.screen
    project = run.config.project(run.stage_name)
    bucket = artifact_bucket or configured.artifact_bucket
    overrides = configured.overrides() | parse_overrides(param or [])
    region = run.settings.region.value or _IMPORT_REGION
    code = build_code(
        project,
        lambda_platform(overrides),
        region,
        python=importing_python(project),
        upgrade=upgrade,
        progress=screen.note,
        warn=screen.warn,
    )
    template = final_template(project, code.types, screen.warn)
    stack_name = f"ftask-{run.stage_name}"
    try:
        written = write_package(to, stack_name, template, code, overrides, bucket)
    except OSError as error:
        raise FtaskError(f"Cannot write the package into {to}: {error.strerror or error}.") from error
    if bucket is None:
        screen.note("parameters.json does not name the bucket: add CodeBucket, or give --artifact-bucket.")
    value = {
        "template": str(written.template),
        "parameters": str(written.parameters),
        "apiArchive": str(written.api_archive),
        "workerArchive": str(written.worker_archive),
    }
    screen.result(value, lambda: _commands(written, stack_name, bucket or "BUCKET"))


def _commands(written: Package, stack_name: str, bucket: str) -> str:
    return (
        f"Wrote the package of {stack_name} into {written.folder}. Deploy it with:\n"
        f"aws s3 cp --recursive {written.folder / stack_name} s3://{bucket}/{stack_name}\n"
        f"aws cloudformation deploy --stack-name {stack_name} --template-file {written.template}"
        f" --parameter-overrides file://{written.parameters} --capabilities CAPABILITY_IAM"
    )
