"""Text from anywhere, made fit for a queue, a table, a log line and a terminal."""

from __future__ import annotations

import json
from typing import Any


def printable(text: str, limit_bytes: int) -> str:
    """`text` as one bounded line that SQS and DynamoDB take; never empty.

    SQS refuses most control characters and empty attribute values.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    """
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
    return shortened(clean, limit_bytes) or "(no message)"


def shortened(text: str, limit_bytes: int) -> str:
    """`text`, cut with an ellipsis where its UTF-8 is longer than `limit_bytes`."""
    encoded = text.encode()
    if len(encoded) <= limit_bytes:
        return text
    return encoded[: limit_bytes - len("…".encode())].decode("utf-8", "ignore") + "…"


def plural(count: int, noun: str) -> str:
    """`1 task`, `1,200 tasks`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def json_object(text: str) -> dict[str, Any] | None:
    """The JSON object that `text` is; None if it is anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def percent(share: float) -> str:
    """`30 %`, `8.7 %`."""
    return f"{share * 100:.1f}".removesuffix(".0") + " %"
