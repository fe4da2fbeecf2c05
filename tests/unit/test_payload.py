from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftask.core.errors import PayloadError, PayloadTooLargeError
from ftask.core.payload import MAX_DEPTH, MAX_PAYLOAD_BYTES, encode_payload, parse_payload, payload_hash

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda child: st.lists(child) | st.dictionaries(TEXT, child),
    max_leaves=15,
)


@given(st.dictionaries(TEXT, JSON))
def test_a_payload_comes_back_exactly(payload: dict[str, object]) -> None:
    stored = encode_payload(parse_payload(json.dumps(payload)))
    assert json.loads(stored) == payload
    assert encode_payload(parse_payload(stored)) == stored


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 1234567890123456789012345678901234567890}',
        '{"f": 0.1, "tiny": 5e-324, "big": 1.7976931348623157e308, "zero": -0.0}',
        '{"": "", "nested": {"empty": {}, "list": []}}',
        '{"text": "żółć 🎉 \\u0000"}',
    ],
)
def test_numbers_and_texts_that_databases_often_spoil_come_back_exactly(text: str) -> None:
    assert repr(json.loads(encode_payload(parse_payload(text)))) == repr(json.loads(text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[1]", "an array, not an object"),
        ("null", "null, not an object"),
        ("true", "a boolean, not an object"),
        ("1.5", "a number, not an object"),
        ('"x"', "a string, not an object"),
        ('{"a": NaN}', "holds NaN"),
        ('{"a": -Infinity}', "holds -Infinity"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ' + "9" * 5000 + "}", "too many digits"),
        ('{"a":' * 101 + "1" + "}" * 101, "deeper than 100"),
        ('{"a":' * 40_000 + "1" + "}" * 40_000, "deeper than 100"),
        ('{"a": ' + "[" * 100_000, "deeper than 100"),
    ],
)
def test_what_cannot_be_a_task_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(PayloadError, match=says):
        parse_payload(text)


def test_a_payload_may_be_nested_up_to_the_limit() -> None:
    parse_payload('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(PayloadError, match="UTF-8"):
        parse_payload(b'{"a": "\xff\xfe"}')


def test_half_a_surrogate_pair_is_refused_because_no_table_can_hold_it() -> None:
    with pytest.raises(PayloadError, match="surrogate"):
        encode_payload(parse_payload('{"a": "\\ud800"}'))


def test_a_payload_may_have_a_quarter_of_a_mebibyte_and_not_a_byte_more() -> None:
    frame = len('{"a":""}')
    parse_payload('{"a":"' + "x" * (MAX_PAYLOAD_BYTES - frame) + '"}')
    with pytest.raises(PayloadTooLargeError, match="262,145 bytes"):
        parse_payload('{"a":"' + "x" * (MAX_PAYLOAD_BYTES - frame + 1) + '"}')


def test_numbers_that_grow_when_they_are_stored_do_not_slip_past_the_limit() -> None:
    with pytest.raises(PayloadTooLargeError):
        encode_payload(parse_payload('{"a":[' + ",".join(["1e15"] * 50_000) + "]}"))


def test_the_hash_knows_content_not_the_order_of_keys() -> None:
    assert payload_hash({"a": 1, "b": [2]}) == payload_hash({"b": [2], "a": 1})
    assert payload_hash({"a": 1}) != payload_hash({"a": 2})
