"""What a task returns, as JSON knows it."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from ftask.core.execution import result_json


def to_json_value(result: Any) -> Any:
    """Return `result` made of what JSON has: dictionaries, lists, texts, numbers, booleans, None.

    Models of pydantic, dataclasses, dates and times (as ISO 8601), enums (as their values), sets (as lists), and
    decimals, UUIDs and paths (as text) are converted, at any depth.

    Raises:
        InvalidResult: a part of it is something else, or contains itself.
    """
    return None if result is None else json.loads(result_json(result, _convert))


def _convert(value: Any) -> Any:
    """Return what stands for a value that json does not know; json goes on from there."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, date | time | datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return list(value)
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return dump(mode="json")
    if isinstance(value, Decimal | UUID | PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON serializable")
