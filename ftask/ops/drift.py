"""Drift: what somebody changed in a stack's resources without CloudFormation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ftask.aws.errors import translate_aws_errors
from ftask.aws.polling import rounds
from ftask.aws.target import Target
from ftask.core.errors import FtaskError

_TIMEOUT_SECONDS = 120
_POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A property that is not as deployed; `name` is its path, like `Environment/Variables`."""

    name: str
    actual: str
    deployed: str


@dataclass(frozen=True, slots=True)
class DriftedResource:
    """A resource that is not as deployed: in these properties, or, without any, deleted."""

    logical_id: str
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"{each.name} is {each.actual}, deployed as {each.deployed}" for each in self.differences)


def detect(
    target: Target, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> list[DriftedResource]:
    """Return the resources that differ from the template; the comparison takes CloudFormation some seconds.

    Raises:
        FtaskError: CloudFormation could not compare them, or took longer than two minutes.
    """
    client = target.cloudformation
    with translate_aws_errors():
        detection_id = client.detect_stack_drift(StackName=target.stack_name)["StackDriftDetectionId"]
        for _ in rounds(_POLL_SECONDS, _TIMEOUT_SECONDS, clock=clock, sleep=sleep):
            detection = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection_id)
            if detection["DetectionStatus"] == "DETECTION_FAILED":
                raise FtaskError(f"CloudFormation could not detect drift: {detection.get('DetectionStatusReason')}")
            if detection["DetectionStatus"] == "DETECTION_COMPLETE":
                break
        else:
            raise FtaskError(
                f"CloudFormation has not finished its drift detection after {_TIMEOUT_SECONDS} s.",
                "Run the command again later.",
            )
        # One answer has up to 100 resources, more than the stack has.
        drifts = client.describe_stack_resource_drifts(
            StackName=target.stack_name, StackResourceDriftStatusFilters=["MODIFIED", "DELETED"]
        )["StackResourceDrifts"]
    return [
        DriftedResource(
            drift["LogicalResourceId"],
            tuple(
                Difference(
                    difference["PropertyPath"].lstrip("/"), difference["ActualValue"], difference["ExpectedValue"]
                )
                for difference in drift.get("PropertyDifferences", [])
            ),
        )
        for drift in drifts
    ]
