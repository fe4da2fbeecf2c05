"""Text from payloads, errors, letters and logs, made harmless: it must not steer the reader's terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# Everything but tab and line feed that a terminal obeys instead of showing it: the control characters of ASCII (ESC
# among them) and of Latin-1 (U+009B begins a sequence too), and the marks that reorder text.
# https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def json_text(value: Any, indent: int | None = None) -> str:
    """Return `value` as JSON in readable characters; those that a terminal obeys are escaped, which loses nothing."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class SafeConsole(Console):
    """A console that shows a control character in a text as a replacement character; its own are sent."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        return safe_segments(super().render(renderable, options))


def safe_segments(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Yield the segments, their texts as `safe_text` returns them."""
    for segment in segments:
        yield segment if segment.control else Segment(safe_text(segment.text), segment.style)


def safe_text(text: str) -> str:
    """Return `text` with a replacement character for each character that a terminal obeys."""
    return UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text)


def safe_value(value: Any) -> Any:
    """Return a JSON value with every text in it, names too, as `safe_text` returns it."""
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, dict):
        return {safe_text(name): safe_value(inner) for name, inner in value.items()}
    return [safe_value(inner) for inner in value] if isinstance(value, list) else value
