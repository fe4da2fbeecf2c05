"""What was changed in a stack's resources by somebody else than CloudFormation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target
from ftask.core.errors import FtaskError

_PATIENCE_SECONDS = 120
_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Drifted:
    """One resource that is not as deployed, and in what."""

    logical_id: str
    what: str


def detect(target: Target, sleep: Callable[[float], None] = time.sleep) -> list[Drifted]:
    """Compare every resource with the template, which takes CloudFormation some seconds.

    Raises:
        FtaskError: CloudFormation could not, or took longer than two minutes.
    """
    client = target.cloudformation
    with translate_aws_errors():
        detection = client.detect_stack_drift(StackName=target.stack_name)["StackDriftDetectionId"]
        waited = 0.0
        while True:
            status = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
            if status["DetectionStatus"] == "DETECTION_COMPLETE":
                break
            if status["DetectionStatus"] == "DETECTION_FAILED":
                raise FtaskError(f"CloudFormation could not look for drift: {status.get('DetectionStatusReason')}")
            if waited >= _PATIENCE_SECONDS:
                raise FtaskError(f"CloudFormation has looked for drift for {_PATIENCE_SECONDS} s.", "Try again later.")
            sleep(_POLL_SECONDS)
            waited += _POLL_SECONDS
        drifts = client.describe_stack_resource_drifts(
            StackName=target.stack_name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
        )["StackResourceDrifts"]
    return [
        Drifted(
            drift["LogicalResourceId"],
            "deleted"
            if drift["StackResourceDriftStatus"] == "DELETED"
            else ", ".join(
                f"{difference['PropertyPath'].lstrip('/')} is {difference['ActualValue']},"
                f" deployed as {difference['ExpectedValue']}"
                for difference in drift.get("PropertyDifferences", [])
            ),
        )
        for drift in drifts
    ]
