"""Long texts in little room."""

from __future__ import annotations


def excerpt(text: str, max_characters: int) -> str:
    """Return `text`, or its first `max_characters` and where to find all of it."""
    if len(text) <= max_characters:
        return text
    return f"{text[:max_characters]}… ({len(text):,} characters; -o json shows all)"


def one_line(text: str) -> str:
    """Return `text` without line breaks: a row of a table is one line, for the program that reads it too."""
    return " ".join(filter(None, (line.strip() for line in text.splitlines())))
