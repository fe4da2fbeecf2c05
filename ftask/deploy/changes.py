"""What a deployment changes: each resource, why, and whether it is replaced; and the task types of the stage.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import DeployedStack
from ftask.aws.target import Target
from ftask.core.manifest import TaskType, TypeSchedule, parse_manifest
from ftask.core.model import Status
from ftask.deploy.build import MANIFEST
from ftask.schedules.timetable import timetable_of
from ftask.schedules.words import in_words

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import ChangeTypeDef, ResourceChangeDetailTypeDef


# What holds tasks and messages. Logs are kept by their retention, and a new group takes their place.
DATA_TYPES = frozenset({"AWS::DynamoDB::Table", "AWS::SQS::Queue"})
# What a change that is made in the template itself is attributed to.
TEMPLATE = "template"
_OF_RESOURCES = frozenset({"ResourceReference", "ResourceAttribute"})
# Attributes that stay as long as the resource is not replaced, as its physical id, which `Ref` returns, does.
_IDENTITIES = frozenset({"", "Arn", "QueueName", "QueueUrl"})


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """A property that changes, with its values as far as CloudFormation knows them beforehand."""

    name: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """One reason why one property of a resource changes.

    `source` is the group of `entity`: a parameter, a resource or its attribute (`Queue.Arn`), or the template. A
    `dynamic` one is decided only while the stack changes.
    """

    name: str
    source: str
    entity: str
    recreates: bool
    dynamic: bool

    def keeps_value(self, moved: Iterable[str]) -> bool:
        """Whether the property refers to a resource that is not one of the `moved`, those that may get another id."""
        resource, _, attribute = self.entity.partition(".")
        return self.dynamic and attribute in _IDENTITIES and self.source in _OF_RESOURCES and resource not in moved


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource. `properties` are the changed ones, as far as CloudFormation names them.

    `replacement` is True, False, or Conditional where only the deployment shows it; None without a resource to replace.
    `kept` are the properties among them that refer to resources which stay, so they keep their values.
    """

    action: str
    logical_id: str
    resource_type: str
    replacement: str | None
    properties: tuple[PropertyChange, ...]
    details: tuple[Detail, ...] = ()
    kept: frozenset[str] = frozenset()

    @property
    def causes(self) -> tuple[str, ...]:
        """The parameters that change it, and `template`; none for one that only refers to changed resources."""
        named = sorted({each.entity for each in self.details if each.source == "ParameterReference" and each.entity})
        is_direct = any(each.source == "DirectModification" for each in self.details)
        return (*named, *((TEMPLATE,) if is_direct else ()))

    @property
    def changed_properties(self) -> tuple[PropertyChange, ...]:
        """The properties that can get another value."""
        return tuple(each for each in self.properties if each.name not in self.kept)

    @property
    def only_refers(self) -> bool:
        """Whether all that it could change are references to resources that stay: then it stays unchanged."""
        return self.action == "Modify" and bool(self.properties) and not self.changed_properties

    @property
    def may_move(self) -> bool:
        """Whether the resource may have another id afterwards."""
        return self.replacement in ("True", "Conditional") or self.action not in ("Modify", "SyncWithActual")

    @property
    def loses_data(self) -> bool:
        """Whether tasks or messages may be out of reach afterwards, even where the old resource is retained."""
        return self.may_move and self.action != "Add" and self.resource_type in DATA_TYPES


def read_changes(described: Iterable[ChangeTypeDef]) -> tuple[Change, ...]:
    """Return the changes as CloudFormation describes them, without what only seems possible for each of them alone.

    A `Conditional` replacement says that a property which needs one refers to another resource. Where that one stays,
    its id and the reference stay too, and nothing is replaced.
    """
    changes = tuple(map(_change, described))
    moved = {change.logical_id for change in changes if change.may_move}
    staying: set[str] = set()
    while fresh := {change.logical_id for change in changes if change.logical_id in moved and _stays(change, moved)}:
        moved -= fresh
        staying |= fresh
    return tuple(
        replace(
            change,
            replacement="False" if change.logical_id in staying else change.replacement,
            kept=frozenset(each.name for each in change.details)
            - {each.name for each in change.details if not each.keeps_value(moved)},
        )
        for change in changes
    )


def _stays(change: Change, moved: set[str]) -> bool:
    needing = [detail for detail in change.details if detail.recreates]
    return change.replacement == "Conditional" and bool(needing) and all(each.keeps_value(moved) for each in needing)


def _change(change: ChangeTypeDef) -> Change:
    resource = change["ResourceChange"]
    described = resource.get("Details", [])
    details = [
        Detail(
            _name(detail),
            detail.get("ChangeSource", ""),
            detail.get("CausingEntity") or "",
            detail.get("Target", {}).get("RequiresRecreation", "Never") != "Never",
            detail.get("Evaluation") == "Dynamic",
        )
        for detail in described
    ]
    # For a property that refers to a parameter CloudFormation lists a dynamic modification of the template too.
    of_parameters = {detail.name for detail in details if detail.source == "ParameterReference"}
    return Change(
        resource["Action"],
        resource["LogicalResourceId"],
        resource["ResourceType"],
        resource.get("Replacement"),
        _properties(described),
        tuple(
            detail
            for detail in details
            if not (detail.source == "DirectModification" and detail.dynamic and detail.name in of_parameters)
        ),
    )


def _properties(details: Iterable[ResourceChangeDetailTypeDef]) -> tuple[PropertyChange, ...]:
    """Return the changed properties, each once: CloudFormation names one again for every reason of its change."""
    changed: dict[str, PropertyChange] = {}
    for detail in details:
        name, target = _name(detail), detail.get("Target", {})
        before, after = target.get("BeforeValue"), target.get("AfterValue")
        if name and (name not in changed or before is not None or after is not None):
            changed[name] = PropertyChange(name, before, after)
    return tuple(changed[name] for name in sorted(changed))


def _name(detail: ResourceChangeDetailTypeDef) -> str:
    target = detail.get("Target", {})
    return target.get("Path", "").removeprefix("/Properties/") or target.get("Name") or target.get("Attribute", "")


# Of a large table, so much is read to count unfinished tasks: 50 MB.
_MAX_PAGES = 50
_ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Count:
    """A number of tasks; `is_all` is False where a part of the table was not read."""

    number: int
    is_all: bool = True


@dataclass(frozen=True, slots=True)
class TypeChanges:
    """Names of the types that a deployment adds, removes and changes; with each removed one its unfinished tasks."""

    added: tuple[str, ...] = ()
    removed: Mapping[str, Count] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """The schedule of one type before and after a deployment; None where the type has no schedule."""

    name: str
    before: TypeSchedule | None
    after: TypeSchedule | None

    @property
    def words(self) -> tuple[str | None, str | None]:
        """Both in words."""
        before, after = (
            None if schedule is None else in_words(timetable_of(schedule)) for schedule in (self.before, self.after)
        )
        return before, after


def schedule_changes(before: Iterable[TaskType], after: Iterable[TaskType]) -> tuple[ScheduleChange, ...]:
    """Return which schedules differ between the types that a stack has and those that it gets."""
    old, new = ({task_type.name: task_type.options.schedule for task_type in types} for types in (before, after))
    return tuple(
        ScheduleChange(name, old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)
    )


def deployed_types(stack: DeployedStack) -> tuple[TaskType, ...] | None:
    """Return the user's task types that the stack has; None if that cannot be known, because its archive is gone."""
    with translate_aws_errors():
        try:
            answer = stack.target.s3.get_object(Bucket=stack.parameters["CodeBucket"], Key=stack.parameters["CodeKey"])
            archive = answer["Body"].read()
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
                raise
            return None
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return parse_manifest(files.read(MANIFEST)).types if MANIFEST in files.namelist() else ()


def compare(stack: DeployedStack, before: Iterable[TaskType], after: Iterable[TaskType]) -> TypeChanges:
    """Return what changes between the types that the stack has and those that it gets."""
    old, new = ({task_type.name: replace(task_type, doc="") for task_type in types} for types in (before, after))
    removed = [name for name in old if name not in new]
    return TypeChanges(
        tuple(name for name in new if name not in old),
        unfinished(stack.target, stack.outputs.table, removed) if removed else {},
        tuple(name for name in new if name in old and new[name] != old[name]),
    )


def unfinished(target: Target, table: str, types: Iterable[str], max_pages: int = _MAX_PAGES) -> dict[str, Count]:
    """Return how many tasks of each of these types have not ended."""
    numbers = dict.fromkeys(types, 0)
    # Payload items have no status.
    request: dict[str, Any] = {
        "TableName": table,
        "ProjectionExpression": "#type",
        "FilterExpression": "attribute_exists(#status) AND NOT #status IN (:0, :1, :2)",
        "ExpressionAttributeNames": {"#type": "type", "#status": "status"},
        "ExpressionAttributeValues": {f":{index}": {"S": status} for index, status in enumerate(_ENDED)},
    }
    is_all = True
    with translate_aws_errors():
        for number, page in enumerate(target.dynamodb.get_paginator("scan").paginate(**request), 1):
            for item in page["Items"]:
                if (name := item.get("type", {}).get("S")) in numbers:
                    numbers[name] += 1
            is_all = "LastEvaluatedKey" not in page
            if number >= max_pages:
                break
    return {name: Count(number, is_all) for name, number in numbers.items()}
