"""Text from anywhere, made fit for a queue, a table, a log line and a terminal."""

from __future__ import annotations

import json
from typing import Any


def printable(text: str, limit_bytes: int) -> str:
    """Return `text` as one line of at most `limit_bytes` that SQS and DynamoDB take; `(no message)` if it is empty.

    SQS refuses most control characters and empty attribute values.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    """
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
    return shortened(clean, limit_bytes) or "(no message)"


def shortened(text: str, limit_bytes: int) -> str:
    """Return `text`, cut with an ellipsis if its UTF-8 is longer than `limit_bytes`."""
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text
    return encoded[: limit_bytes - len("…".encode())].decode("utf-8", "ignore") + "…"


def plural(count: int, noun: str) -> str:
    """Return `1 task` or `1,200 tasks`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def json_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object in `text`; None if it is anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def percent(share: float) -> str:
    """Return a share from 0 to 1 as `30 %` or `8.7 %`."""
    return f"{share * 100:.1f}".removesuffix(".0") + " %"
