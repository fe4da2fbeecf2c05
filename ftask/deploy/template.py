"""The template that a deployment sends: the one of this installation, with the policy of the project's tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ftask
from ftask.core.errors import FtaskError

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MAX_TEMPLATE_BYTES = 51_200
_WORKER = "\n  WorkerFunction:\n    Type: AWS::Lambda::Function\n"


def stack_folder() -> Path:
    """Return the folder of template and handlers: in the installed wheel, or next to the package in a checkout."""
    package = Path(ftask.__file__).parent
    for candidate in (package / "_stack", package.parent / "stack"):
        if (candidate / "template.yaml").is_file():
            return candidate
    raise FtaskError("This installation of ftask lacks the stack to deploy.", "Install ftask again.")


def read_template() -> str:
    """Return the template without anything of a project, and without its comments: CloudFormation counts them too."""
    with (stack_folder() / "template.yaml").open(encoding="utf-8") as template:
        return "".join(line for line in template if not line.lstrip().startswith("#"))


def template_with(statements: Sequence[Any]) -> str:
    """Return the template in which the worker's role has a policy of these statements; without any, no policy.

    The policy is there before the worker's code, so no attempt of a first deployment, or of code that needs a new
    statement, runs without it.

    Raises:
        FtaskError: the template becomes too large for a request to CloudFormation.
    """
    template = read_template()
    if not statements:
        return template
    resource = {
        "Type": "AWS::IAM::Policy",
        "Condition": "Serves",
        "Properties": {
            "PolicyName": "tasks",
            "Roles": [{"Ref": "WorkerRole"}],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
        },
    }
    # JSON is YAML, in its flow style.
    template = template.replace("\nOutputs:\n", f"\n  TasksPolicy: {json.dumps(resource)}\n\nOutputs:\n")
    template = template.replace(_WORKER, f"{_WORKER}    DependsOn: TasksPolicy\n")
    if len(template.encode()) > MAX_TEMPLATE_BYTES:
        raise FtaskError(
            f"The template with the policy of the tasks has {len(template.encode()):,} bytes; CloudFormation takes "
            f"{MAX_TEMPLATE_BYTES:,}.",
            "Shorten the policy, for example with wildcards in the names of resources.",
        )
    return template
