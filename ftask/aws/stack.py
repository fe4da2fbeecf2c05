"""The deployed stack as other commands need it: its outputs and its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import LOCAL_STAGE, Target
from ftask.core.errors import FtaskError

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackTypeDef


# True while a stack is taken down to its tasks, messages and logs.
DATA_ONLY = "DataOnly"
# What a deployment fills in by itself; a user sets every other parameter.
OWN_PARAMETERS = frozenset({"CodeBucket", "CodeKey", DATA_ONLY})


class StackNotFoundError(FtaskError):
    """The stage has no stack, or none that serves."""


class StackOutputs(BaseModel):
    """The template's outputs."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    api_url: str = Field(alias="ApiUrl")
    api_id: str = Field(alias="ApiId")
    api_stage: str = Field(alias="ApiStage")
    table: str = Field(alias="TableName")
    queue_url: str = Field(alias="QueueUrl")
    dead_letter_queue_url: str = Field(alias="DeadLetterQueueUrl")
    api_function: str = Field(alias="ApiFunction")
    worker_function: str = Field(alias="WorkerFunction")
    worker_source: str = Field(alias="WorkerSource")
    api_log_group: str = Field(alias="ApiLogGroup")
    worker_log_group: str = Field(alias="WorkerLogGroup")
    retention_days: int = Field(alias="TaskRetentionDays")
    code_key: str = Field(alias="CodeKey")

    @property
    def code_sha256(self) -> str:
        return code_sha256(self.code_key)


def describe(target: Target) -> StackTypeDef | None:
    """CloudFormation's description of the stage's stack, or None if there is none."""
    with translate_aws_errors():
        try:
            return target.cloudformation.describe_stacks(StackName=target.stack_name)["Stacks"][0]
        except ClientError as error:
            # The only way in which CloudFormation says that a stack does not exist.
            if error.response.get("Error", {}).get("Code") == "ValidationError" and "does not exist" in str(error):
                return None
            raise


def parameters_of(described: StackTypeDef | None) -> dict[str, str]:
    """The parameters that a described stack was deployed with."""
    entries = described.get("Parameters", []) if described is not None else []
    return {entry["ParameterKey"]: entry["ParameterValue"] for entry in entries}


def outputs(target: Target) -> StackOutputs:
    """Where the stage's parts are.

    Raises:
        StackNotFoundError: nothing is deployed there, or not completely.
    """
    stack = describe(target)
    if stack is None:
        raise not_found(target, f"Deploy it with: {command_on(target, 'deploy')}")
    if parameters_of(stack).get(DATA_ONLY) == "true":
        raise StackNotFoundError(
            f"Stage {target.stage_name!r} is taken down to its data; its tasks and messages are kept.",
            f"Bring it back with: {command_on(target, 'deploy')}",
        )
    values = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    try:
        found = StackOutputs.model_validate(values)
    except ValidationError:
        raise StackNotFoundError(
            f"Stack {target.stack_name} is {stack['StackStatus']} and lacks outputs that ftask needs.",
            f"Finish its deployment with: {command_on(target, 'deploy')}",
        ) from None
    if target.endpoint_url is not None:
        # An emulator serves an API under a path; its virtual host need not resolve.
        url = f"{target.endpoint_url.rstrip('/')}/_aws/execute-api/{found.api_id}/{found.api_stage}"
        return found.model_copy(update={"api_url": url})
    return found


def not_found(target: Target, hint: str) -> StackNotFoundError:
    """There is no stack."""
    return StackNotFoundError(
        f"Stage {target.stage_name!r} has no stack {target.stack_name} in {target.region_name}.", hint
    )


def code_sha256(code_key: str) -> str:
    """The hash of a deployed archive, which is its name."""
    return code_key.rpartition("/")[2].removesuffix(".zip")


def command_on(target: Target, command: str) -> str:
    """How `command` is called for the stage, in advice that can be pasted."""
    return f"ftask {command}" if target.stage_name == LOCAL_STAGE else f"ftask {command} --stage {target.stage_name}"
