"""The options of `submit` that label a task: `--group`, `--unique` and `--tag`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ftask.cli.due_options import DURATION, parse_duration
from ftask.cli.usage import InvalidOptionError, UsageError
from ftask.core.labels import MAX_UNIQUE, UNTIL_DONE, LabelError, parse_labels

Group = Annotated[
    str | None, typer.Option(metavar="NAME", help="Tenant of the task: its flood delays the tasks of others less.")
]
Unique = Annotated[
    str | None,
    typer.Option(
        metavar="until_done|DURATION",
        help="Make no second task of this type and key, or payload, until the first ends or for a time like 1h.",
    ),
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="Tag the task; repeatable, up to 8 times.")
]


def _seconds(unique: str) -> float:
    return parse_duration("--unique", unique, MAX_UNIQUE, f"{UNTIL_DONE} or {DURATION}").total_seconds()


def label_options(group: str | None, unique: str | None, tags: list[str] | None, key: str | None) -> dict[str, Any]:
    """Return the parameters of a submission that these options stand for; none without any.

    Raises:
        UsageError: one of them is not valid.
    """
    fields: dict[str, Any] = {} if group is None else {"group": group}
    if unique is not None:
        fields["unique"] = _seconds(unique) if unique != UNTIL_DONE else unique
        if key is not None:
            fields["uniqueKey"] = key
    if tags:
        fields["tags"] = parse_tags(tags)
    _check(fields)
    return fields


def parse_tags(values: Sequence[str]) -> dict[str, str]:
    """Return the tags of one command line, given as `customer=42`.

    Raises:
        UsageError: one of them is not valid, or given twice.
    """
    tags: dict[str, str] = {}
    for tag in values:
        name, separator, value = tag.partition("=")
        if not separator:
            raise InvalidOptionError("--tag", tag, "KEY=VALUE, like customer=42")
        if name in tags:
            raise UsageError(f"--tag {name!r} is given twice.", "Give each name once.")
        tags[name] = value
    _check({"tags": tags})
    return tags


def _check(fields: Mapping[str, Any]) -> None:
    try:
        parse_labels(fields)
    except LabelError as error:
        raise UsageError(error.message, error.hint) from None
