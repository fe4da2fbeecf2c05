"""The template that a deployment sends: the one of this installation, with the project's policy and schedules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import ftask
from ftask.core.errors import FtaskError
from ftask.core.firings import encode_firing
from ftask.core.manifest import TaskType, TypeSchedule
from ftask.schedules.timetable import timetable_of

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MAX_TEMPLATE_BYTES = 51_200
# Those of properties are indented more.
_REMARK = re.compile(r" {0,4}(Metadata|Description|ConstraintDescription):")
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


def template_with(statements: Sequence[Any], types: Iterable[TaskType] = ()) -> str:
    """Return the template with the schedules of these types, in which the worker's role has a policy of `statements`.

    Without any statement there is no policy. The policy is there before the worker's code, so no attempt of a first
    deployment, or of code that needs a new statement, runs without it. The schedules come after the code, which knows
    their types.

    Raises:
        FtaskError: the template becomes too large for a request to CloudFormation.
    """
    template = read_template()
    resources = {
        schedule_id(task_type.name): _schedule(task_type.name, task_type.options.schedule)
        for task_type in types
        if task_type.options.schedule is not None
    }
    if statements:
        resources["TasksPolicy"] = {
            "Type": "AWS::IAM::Policy",
            "Condition": "Serves",
            "Properties": {
                "PolicyName": "tasks",
                "Roles": [{"Ref": "WorkerRole"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
            },
        }
        template = template.replace(_WORKER, f"{_WORKER}    DependsOn: TasksPolicy\n")
    # JSON is YAML, in its flow style.
    added = "".join(
        f"\n  {name}: {json.dumps(resource, separators=(',', ': '))}\n" for name, resource in resources.items()
    )
    template = template.replace("\nOutputs:\n", f"{added}\nOutputs:\n")
    if len(template.encode()) > MAX_TEMPLATE_BYTES:
        template = _without_remarks(template)
    if len(template.encode()) > MAX_TEMPLATE_BYTES:
        raise FtaskError(
            f"The template with the policy and the schedules of the tasks has {len(template.encode()):,} bytes; "
            f"CloudFormation takes {MAX_TEMPLATE_BYTES:,}.",
            "Shorten the policy, for example with wildcards in the names of resources, or let one schedule submit"
            " several tasks.",
        )
    return template


def _without_remarks(template: str) -> str:
    """Return the template without descriptions of parameters and metadata, which only people and linters read."""
    kept, remark_indent = [], None
    for line in template.splitlines(keepends=True):
        indent = len(line) - len(line.lstrip())
        if remark_indent is not None and (indent > remark_indent or not line.strip()):
            continue
        remark_indent = indent if _REMARK.match(line) else None
        if remark_indent is None:
            kept.append(line)
    return "".join(kept)


def schedule_id(type_name: str) -> str:
    """Return the logical id of the schedule of a task type, whose name may have more than letters and digits."""
    return f"Schedule{re.sub('[^A-Za-z0-9]', '', type_name)}{sha256(type_name.encode()).hexdigest()[:4]}"


def _schedule(name: str, schedule: TypeSchedule) -> Mapping[str, Any]:
    timetable = timetable_of(schedule)
    zone = {} if schedule.cron is None else {"ScheduleExpressionTimezone": timetable.timezone}
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Condition": "Serves",
        "DependsOn": "WorkerFunction",
        "Properties": {
            "Name": name,
            "GroupName": {"Ref": "ScheduleGroup"},
            "ScheduleExpression": timetable.expression,
            **zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": {"Fn::GetAtt": "Queue.Arn"},
                "RoleArn": {"Fn::GetAtt": "SchedulerRole.Arn"},
                "Input": encode_firing(name),
            },
        },
    }
