"""What a submission says about its task besides the payload: its group, its tags, and whether it is the only one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from ftask.core.errors import InvalidInputError
from ftask.core.model import Unique

# As submissions name them: query parameters, and fields of a batch's task.
NAMES = ("group", "tags", "unique", "uniqueKey")
UNTIL_DONE = "until_done"
MAX_TAGS = 8
MAX_UNIQUE = timedelta(days=365)
# The lock of a task that is unique until it ends outlasts the longest delay, and every retry after it.
_LOCK_LIFE = timedelta(days=800)
# A subset of what SQS takes as a MessageGroupId.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_GROUP = re.compile(r"[A-Za-z0-9_.:@/+-]{1,128}")
_TAG = re.compile(r"[A-Za-z0-9_.@/+-]{1,64}")


class LabelError(InvalidInputError):
    """The group, a tag or the uniqueness of a submission is invalid."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a submission.

    `unique` is `until_done`, or for how many seconds no other task of the same type and `unique_key` is accepted. The
    key is the payload's hash where it is None.
    """

    group: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    unique: str | float | None = None
    unique_key: str | None = None

    def lock(self, task_type: str, payload_hash: str, now: datetime, expires_at: datetime) -> Unique | None:
        """Return the lock that a task of this type and payload takes; None if it need not be unique."""
        if self.unique is None:
            return None
        subject = payload_hash if self.unique_key is None else f"key {self.unique_key}"
        digest = hashlib.sha256(f"ftask unique\0{task_type}\0{subject}".encode()).hexdigest()[:32]
        until = None if self.unique == UNTIL_DONE else now + timedelta(seconds=float(self.unique))
        return Unique(f"unique#{digest}", until, expires_at + _LOCK_LIFE if until is None else until)


def parse_labels(fields: Mapping[str, Any]) -> Labels:
    """Return the labels in the fields of a submission; tags are an object, or a text like `customer:42,plan:pro`.

    Raises:
        LabelError: one is invalid.
    """
    group, unique_key = fields.get("group"), fields.get("uniqueKey")
    if group is not None and not (isinstance(group, str) and _GROUP.fullmatch(group)):
        raise LabelError(
            f"Invalid group {str(group)[:64]!r}: expected 1 to 128 letters, digits and any of _.:@/+-",
            "Use the id of the tenant, like customer-42.",
        )
    if unique_key is not None and not (isinstance(unique_key, str) and 0 < len(unique_key) <= 256):
        raise LabelError("Invalid uniqueKey: expected a text of 1 to 256 characters.")
    unique = _parse_unique(fields.get("unique"))
    if unique_key is not None and unique is None:
        raise LabelError("uniqueKey has no effect without unique.", "Add unique=until_done, or a number of seconds.")
    return Labels(group, _parse_tags(fields.get("tags")), unique, unique_key)


def _parse_unique(value: Any) -> str | float | None:
    if value is None or value == UNTIL_DONE:
        return value if value is None else UNTIL_DONE
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = 0.0
    if isinstance(value, bool) or not isfinite(seconds) or not 0 < seconds <= MAX_UNIQUE.total_seconds():
        raise LabelError(f"Invalid unique {str(value)[:64]!r}: expected until_done, or seconds up to 31536000.")
    return seconds


def _parse_tags(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    tags = dict(_pair(part) for part in value.split(",")) if isinstance(value, str) else value
    if not isinstance(tags, dict) or len(tags) > MAX_TAGS:
        raise LabelError(f"Invalid tags: expected up to {MAX_TAGS} names with their values.")
    for text in (*tags, *tags.values()):
        if not isinstance(text, str) or not _TAG.fullmatch(text):
            raise LabelError(f"Invalid tag {str(text)[:64]!r}: expected 1 to 64 letters, digits and any of _.@/+-")
    return tags


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition(":")
    return name, value
