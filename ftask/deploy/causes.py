"""Why a change set changes a resource, and whether the resource is replaced: what its details say.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import ResourceChangeDetailTypeDef

# What a change that is made in the template itself is attributed to.
TEMPLATE = "template"
_OF_RESOURCES = frozenset({"ResourceReference", "ResourceAttribute"})
# Attributes that stay as long as the resource is not replaced, as its physical id, which `Ref` returns, does.
_IDENTITIES = frozenset({"", "Arn", "QueueName", "QueueUrl"})


@dataclass(frozen=True, slots=True)
class Detail:
    """One reason why one property of a resource changes.

    `source` is the group of `entity`: a parameter, a resource or its attribute (`Queue.Arn`), or the template. A
    `dynamic` one is decided only while the stack changes. `recreation` is Never, Always or Conditionally.
    """

    name: str
    source: str
    entity: str
    recreation: str
    dynamic: bool

    @property
    def resource(self) -> str | None:
        """The resource that the property refers to; None if the reason is another one."""
        return self.entity.partition(".")[0] if self.source in _OF_RESOURCES else None

    def keeps_value(self, moved: Iterable[str]) -> bool:
        """Whether the property refers to a resource that is not one of the `moved`, those that may get another id."""
        attribute = self.entity.partition(".")[2]
        return self.dynamic and attribute in _IDENTITIES and self.resource is not None and self.resource not in moved


def read_detail(detail: ResourceChangeDetailTypeDef) -> Detail:
    """Return a detail as CloudFormation describes it."""
    target = detail.get("Target", {})
    path = target.get("Path", "").removeprefix("/Properties/")
    return Detail(
        name=path or target.get("Name") or target.get("Attribute", ""),
        source=detail.get("ChangeSource", ""),
        entity=detail.get("CausingEntity") or "",
        recreation=target.get("RequiresRecreation", "Never"),
        dynamic=detail.get("Evaluation") == "Dynamic",
    )


def own_details(details: Iterable[Detail]) -> list[Detail]:
    """Return the details without those that repeat another one.

    For a property that refers to a parameter CloudFormation lists a dynamic modification of the template too.
    """
    kept = list(details)
    referring = {detail.name for detail in kept if detail.source == "ParameterReference"}
    return [
        detail
        for detail in kept
        if not (detail.source == "DirectModification" and detail.dynamic and detail.name in referring)
    ]


def causes(details: Iterable[Detail]) -> tuple[str, ...]:
    """Return what changes a resource: parameters by name, and `template`; nothing if it only refers to other ones."""
    found = {detail.entity for detail in own_details(details) if detail.source == "ParameterReference"}
    named = sorted(name for name in found if name)
    direct = any(detail.source == "DirectModification" for detail in own_details(details))
    return (*named, *((TEMPLATE,) if direct else ()))


def certain_replacements(
    reported: Mapping[str, str | None], details: Mapping[str, Iterable[Detail]], added: Iterable[str]
) -> dict[str, str | None]:
    """Return for each resource whether it is replaced: what CloudFormation reports, made certain where details tell.

    `Conditional` says that a property which needs a replacement refers to another resource. Where that one stays, its
    id and the reference stay too, and nothing is replaced. References to `added` resources change.
    """
    certain = dict(reported)
    while True:
        moved = moved_resources(certain, added)
        staying = {
            name
            for name, replacement in certain.items()
            if replacement == "Conditional" and _stays(details.get(name, ()), moved)
        }
        if not staying:
            return certain
        certain |= dict.fromkeys(staying, "False")


def moved_resources(replacements: Mapping[str, str | None], added: Iterable[str]) -> set[str]:
    """Return the resources that may have another id afterwards."""
    return {name for name, replacement in replacements.items() if replacement in ("True", "Conditional")} | {*added}


def kept_properties(details: Iterable[Detail], moved: Iterable[str]) -> frozenset[str]:
    """Return the properties that only refer to resources other than the `moved` ones, and so keep their values."""
    own = own_details(details)
    changed = {detail.name for detail in own if not detail.keeps_value(moved)}
    return frozenset(detail.name for detail in own) - changed


def _stays(details: Iterable[Detail], moved: Iterable[str]) -> bool:
    needing = [detail for detail in own_details(details) if detail.recreation != "Never"]
    return bool(needing) and all(detail.keeps_value(moved) for detail in needing)
