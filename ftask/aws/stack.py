"""A deployed stack: its status, its parameters and its outputs, from one `DescribeStacks`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.core.local_stage import LOCAL_STAGE

# True while a stack is taken down to its tasks, messages and logs.
DATA_ONLY = "DataOnly"
# False while a deleted event source mapping is recreated.
HAS_WORKER_SOURCE = "HasWorkerSource"
# Parameters that a deployment sets itself; a user sets the others.
MANAGED_PARAMETERS = frozenset({"CodeBucket", "CodeKey", "WorkerCodeKey", DATA_ONLY, HAS_WORKER_SOURCE})


class StackNotFoundError(FtaskError):
    """The stage has no stack, or a stack without a complete set of outputs."""


def _output(key: str) -> Any:
    """Return a field that has the value of the template's output `key`."""
    return field(metadata={"key": key})


@dataclass(frozen=True, slots=True)
class StackOutputs:
    """The template's outputs."""

    api_url: str = _output("ApiUrl")
    api_id: str = _output("ApiId")
    api_stage: str = _output("ApiStage")
    table: str = _output("TableName")
    queue_url: str = _output("QueueUrl")
    dead_letter_queue_url: str = _output("DeadLetterQueueUrl")
    api_function: str = _output("ApiFunction")
    worker_function: str = _output("WorkerFunction")
    worker_source: str = _output("WorkerSource")
    api_log_group: str = _output("ApiLogGroup")
    worker_log_group: str = _output("WorkerLogGroup")
    retention_days: int = _output("TaskRetentionDays")
    api_code_key: str = _output("CodeKey")
    worker_code_key: str = _output("WorkerCodeKey")

    @classmethod
    def of_values(cls, values: Mapping[str, str]) -> StackOutputs:
        """Return the outputs among `values`, by their keys.

        Raises:
            KeyError: one is missing.
            ValueError: a parameter is not a number.
        """
        known: dict[str, Any] = {each.name: values[each.metadata["key"]] for each in fields(cls)}
        return cls(**known | {"retention_days": int(known["retention_days"])})

    @property
    def api_code_sha256(self) -> str:
        return code_sha256(self.api_code_key)

    @property
    def worker_code_sha256(self) -> str:
        return code_sha256(self.worker_code_key)


@dataclass(frozen=True)
class DeployedStack:
    """A stack as one `DescribeStacks` shows it."""

    target: Target
    stack_id: str
    status: str
    parameters: Mapping[str, str]
    output_values: Mapping[str, str]
    is_termination_protected: bool = False

    @property
    def is_data_only(self) -> bool:
        """Whether the stack is taken down to its tasks, messages and logs."""
        return self.parameters.get(DATA_ONLY) == "true"

    @cached_property
    def outputs(self) -> StackOutputs:
        """The template's outputs: the names and URLs of the stage's parts.

        Raises:
            StackNotFoundError: the stack is taken down to its data, or not completely deployed.
        """
        deploy = command_on(self.target, "deploy")
        if self.is_data_only:
            raise StackNotFoundError(
                f"Stage {self.target.stage_name!r} is taken down to its data; its tasks and messages are kept.",
                f"Bring it back with: {deploy}",
            )
        try:
            outputs = StackOutputs.of_values(self.output_values)
        except (KeyError, ValueError):
            raise StackNotFoundError(
                f"Stack {self.target.stack_name} is {self.status} and lacks outputs that ftask needs.",
                f"Finish its deployment with: {deploy}",
            ) from None
        if self.target.endpoint_url is None or not self.target.is_emulated:
            return outputs
        # An emulator serves an API under a path; its virtual host may not resolve.
        base = self.target.endpoint_url.rstrip("/")
        url = f"{base}/_aws/execute-api/{outputs.api_id}/{outputs.api_stage}"
        return replace(outputs, api_url=url)


def find_stack(target: Target) -> DeployedStack | None:
    """Return the stage's stack with any status, or None if it does not exist."""
    with translate_aws_errors():
        try:
            description = target.cloudformation.describe_stacks(StackName=target.stack_name)["Stacks"][0]
        except ClientError as error:
            if is_missing_stack(error):
                return None
            raise
    return DeployedStack(
        target,
        description["StackId"],
        description["StackStatus"],
        {entry["ParameterKey"]: entry["ParameterValue"] for entry in description.get("Parameters", [])},
        {entry["OutputKey"]: entry["OutputValue"] for entry in description.get("Outputs", [])},
        description.get("EnableTerminationProtection", False),
    )


def is_missing_stack(error: ClientError) -> bool:
    """Whether the answer says that the stack does not exist: CloudFormation has no error code for that."""
    return error.response.get("Error", {}).get("Code") == "ValidationError" and "does not exist" in str(error)


def deployed_stack(target: Target) -> DeployedStack:
    """Return the stage's stack if its outputs are complete.

    Raises:
        StackNotFoundError: nothing is deployed there, or not completely.
    """
    stack = find_stack(target)
    if stack is None:
        raise not_found(target, f"Deploy it with: {command_on(target, 'deploy')}")
    _ = stack.outputs
    return stack


def not_found(target: Target, hint: str) -> StackNotFoundError:
    """Return the error for a stage without a stack."""
    return StackNotFoundError(
        f"Stage {target.stage_name!r} has no stack {target.stack_name} in {target.region_name}.", hint
    )


def code_sha256(code_key: str) -> str:
    """Return the hash of a deployed archive, which is part of its key."""
    return code_key.rpartition("/")[2].removesuffix(".zip")


def command_on(target: Target, command: str) -> str:
    """Return `command` with the options of the stage, to be pasted."""
    is_default = target.stage_name == target.default_stage == LOCAL_STAGE
    return f"ftask {command}" if is_default else f"ftask {command} --stage {target.stage_name}"
