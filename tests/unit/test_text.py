from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ftask.core.text import printable


@given(st.text(), st.integers(10, 2000))
def test_anything_becomes_one_bounded_line_that_sqs_takes(text: str, limit: int) -> None:
    line = printable(text, limit)
    assert 0 < len(line.encode()) <= max(limit, len("(no message)"))
    assert line.isprintable()


def test_lone_surrogates_line_breaks_and_escapes_do_not_pass() -> None:
    assert printable("a\ud800b\r\nc\x1b[31m", 100) == "a?b c\N{REPLACEMENT CHARACTER}[31m"


def test_an_empty_message_is_told_as_such_because_sqs_refuses_empty_attributes() -> None:
    assert printable("  \n ", 100) == "(no message)"


def test_a_cut_never_splits_a_character() -> None:
    assert printable("ääääää", 8) == "ää…"
