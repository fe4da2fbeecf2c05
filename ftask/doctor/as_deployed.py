"""What somebody changed without a deployment: resources of the stack, and the code that the functions run."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from ftask.aws.concurrency import rounds
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.doctor.finding import Finding, Level
from ftask.doctor.worker_settings import COVERED, COVERED_RESOURCE

_TIMEOUT_SECONDS = 120
_POLL_SECONDS = 1.0


def check_drift(stage: Stage) -> Iterator[Finding]:
    """Compare the resources with the template, except for what the check of the worker compares and repairs."""
    target = stage.target
    with translate_aws_errors():
        _detect_drift(target)
        # One answer has up to 100 resources, more than the stack has.
        drifts = target.cloudformation.describe_stack_resource_drifts(
            StackName=target.stack_name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
        )["StackResourceDrifts"]
    is_as_deployed = True
    for drift in drifts:
        name, properties = drift["LogicalResourceId"], drift.get("PropertyDifferences", [])
        # A path is like /Environment/Variables.
        differences = [
            f"{path} is {each['ActualValue']}, deployed as {each['ExpectedValue']}"
            for each in properties
            if (name, (path := each["PropertyPath"].lstrip("/"))) not in COVERED
        ]
        if name == COVERED_RESOURCE or (properties and not differences):
            continue
        is_as_deployed = False
        yield Finding(
            "drift",
            Level.WARNING,
            f"{name} was changed outside of CloudFormation: {', '.join(differences)}."
            if differences
            else f"{name} was deleted outside of CloudFormation.",
            "Change it back, or make the same change in the template and deploy.",
        )
    if is_as_deployed:
        yield Finding("drift", Level.OK, "every other resource is as deployed")


def _detect_drift(target: Target) -> None:
    """Have CloudFormation compare the resources, which takes it some seconds."""
    client = target.cloudformation
    detection_id = client.detect_stack_drift(StackName=target.stack_name)["StackDriftDetectionId"]
    for _ in rounds(_POLL_SECONDS, _TIMEOUT_SECONDS):
        detection = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection_id)
        if detection["DetectionStatus"] == "DETECTION_FAILED":
            raise FtaskError(f"CloudFormation could not detect drift: {detection.get('DetectionStatusReason')}")
        if detection["DetectionStatus"] == "DETECTION_COMPLETE":
            return
    raise FtaskError(
        f"CloudFormation has not finished its drift detection after {_TIMEOUT_SECONDS} s.",
        "Run the command again later.",
    )


def check_code(stage: Stage) -> Iterator[Finding]:
    """Compare the code of each function with the archive that was deployed for it: CloudFormation does not."""
    outputs, bucket = stage.outputs, stage.stack.parameters["CodeBucket"]
    keys = {
        outputs.api_function: outputs.api_code_key,
        outputs.worker_function: outputs.worker_code_key,
    }
    findings = []
    with translate_aws_errors():
        for function, key in keys.items():
            deployed = _checksum(stage, bucket, key)
            if deployed is None:
                text = f"not compared: {bucket}/{key} is gone, or has no SHA-256 checksum"
                findings.append(Finding("code", Level.OK, text))
            elif stage.target.lambda_.get_function_configuration(FunctionName=function)["CodeSha256"] != deployed:
                finding = Finding(
                    "code",
                    Level.WARNING,
                    f"{function} runs other code than was deployed: somebody changed it without a deployment.",
                    "Bring the deployed code back with: aws lambda update-function-code"
                    f" --function-name {function} --s3-bucket {bucket} --s3-key {key}",
                )
                findings.append(finding)
    yield from findings or [Finding("code", Level.OK, "both functions run what was deployed")]


def _checksum(stage: Stage, bucket: str, key: str) -> str | None:
    """Return the SHA-256 of an archive, written as Lambda writes it; None if S3 does not know it."""
    try:
        return stage.target.s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED").get("ChecksumSHA256")
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            raise
        return None
