"""Values as JSON, readable and harmless in a terminal; without Rich, which no command with -o json needs."""

from __future__ import annotations

import json
import re
from typing import Any

# Everything but tab and line feed that a terminal obeys instead of showing it: the control characters of ASCII (ESC
# among them) and of Latin-1 (U+009B begins a sequence too), and the marks that reorder text.
# https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def json_text(value: Any, indent: int | None = None) -> str:
    """Return `value` as JSON in readable characters; those that a terminal obeys are escaped, which loses nothing."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
