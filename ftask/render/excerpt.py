"""The beginning of a long text, with a word about the rest."""

from __future__ import annotations


def excerpt(text: str, max_characters: int) -> str:
    """Return `text`, or its first `max_characters` and where to find all of it."""
    if len(text) <= max_characters:
        return text
    return f"{text[:max_characters]}… ({len(text):,} characters; -o json shows all)"
