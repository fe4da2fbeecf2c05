"""Errors grouped by kind.

Of one kind are errors of the same type in tasks of the same type, with the same message except for its variable parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ftask.core.failed_index import FailedTask
from ftask.core.model import Failure

# What differs between two occurrences of one error, and the placeholder that replaces it.
# A quotation begins and ends at the edge of a word, as in b'x' and 'it's'; an apostrophe stands within one, or ends it.
_QUOTED = re.compile(
    r"""(?<!\w)[bBuUrR]?(?:'(?:[^'\n]|(?<=\w)'(?=\w))*'|"(?:[^"\\\n]|\\.)*"|`[^`\n]*`)(?!\w)|“[^”]*”|‘[^’]*’|«[^»]*»"""
)
# A number, an id, a time, a host, a path: what has a digit or an @, up to what separates words or ends a sentence.
_VARIABLE = re.compile(r"""(?<!<)[^\s"'`,;=()\[\]{}<>]*[\d@](?:[^\s"'`,;=()\[\]{}<>]*[^\s"'`,;=()\[\]{}<>.:!?])?""")
# A list is as long as it happens to be.
_SEVERAL = re.compile(r"(<n>|<text>)(?:[\s,:;]+(?:<n>|<text>))+")


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures of one kind: how many, when the first and the last, and the id of one task as an example.

    `type` is the error's, `task_type` the tasks'. The example is the newest task.
    """

    task_type: str
    type: str
    message: str
    count: int
    first_at: datetime
    last_at: datetime
    example: str

    @property
    def text(self) -> str:
        """The error as `ValueError: no order <n>`, which `--error` takes."""
        return f"{self.type}: {self.message}"


def group_failures(failures: Iterable[FailedTask]) -> list[FailureGroup]:
    """Group failures by kind of error, the largest group first. The example of a group is its first in `failures`."""
    groups: dict[tuple[str, str, str], FailureGroup] = {}
    for failure in failures:
        kind = (failure.type, failure.error.type, normalise_message(failure.error.message))
        group = groups.get(kind)
        if group is None:
            groups[kind] = FailureGroup(*kind, 1, failure.failed_at, failure.failed_at, failure.task_id)
        else:
            groups[kind] = replace(
                group,
                count=group.count + 1,
                first_at=min(group.first_at, failure.failed_at),
                last_at=max(group.last_at, failure.failed_at),
            )
    return sorted(groups.values(), key=lambda group: (-group.count, group.task_type, group.type, group.message))


def error_kind(error: Failure) -> str:
    """Return an error without its variable parts, as `ValueError: no order <n>`."""
    return f"{error.type}: {normalise_message(error.message)}"


def normalise_message(message: str) -> str:
    """Return the message with its variable parts replaced, so that two occurrences of one error are equal."""
    message = _VARIABLE.sub("<n>", _QUOTED.sub("<text>", message))
    return _SEVERAL.sub(r"\1", message)
