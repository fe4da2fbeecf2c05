"""Whether a payload can fit the JSON schema of its type: the subset of keywords that pydantic writes.

It refuses only what the worker's pydantic would refuse too. So texts that are numbers pass for numbers, as in
pydantic's lax mode, and keywords that are not known here pass.
https://docs.pydantic.dev/latest/concepts/conversion_table/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ftask.core.text import shortened

# In a schema whose values are not checked: the project's own validators may convert anything.
UNCHECKED = "x-ftask-unchecked"
_BOOLEANS = frozenset({"true", "false", "t", "f", "yes", "no", "y", "n", "on", "off", "1", "0"})
_MAX_VALUE_BYTES = 60
# Values that are compared until the rest passes: unions in a recursive type could take forever.
_MAX_STEPS = 100_000

Schema = Mapping[str, Any]


def mismatch(value: Any, schema: Schema) -> str | None:
    """Return where `value` does not fit `schema`, like `size: expected an integer, got 'x'`; None if it fits."""
    try:
        return None if schema.get(UNCHECKED) else next(_Checker(schema).problems(value, schema, ""), None)
    except (_TooLongError, RecursionError):
        return None


class _TooLongError(Exception):
    pass


class _Checker:
    def __init__(self, root: Schema) -> None:
        self._definitions = root.get("$defs", {})
        self._steps = 0

    def problems(self, value: Any, schema: Any, at: str) -> Iterator[str]:
        """Yield what is wrong with a value; `at` is its place."""
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise _TooLongError
        if not isinstance(schema, Mapping):
            if schema is False:
                yield f"{at}: unexpected"
            return
        if "$ref" in schema:
            yield from self.problems(value, self._definitions.get(schema["$ref"].rpartition("/")[2]), at)
        for part in schema.get("allOf", ()):
            yield from self.problems(value, part, at)
        for choices in (schema.get("anyOf", ()), schema.get("oneOf", ())):
            firsts = [next(self.problems(value, part, at), None) for part in choices]
            if firsts and None not in firsts:
                yield str(firsts[0])
        yield from _own_problems(value, schema, at)
        if isinstance(value, dict):
            yield from self._of_object(value, schema, at)
        elif isinstance(value, list):
            fixed = schema.get("prefixItems", ())
            for number, item in enumerate(value):
                part = fixed[number] if number < len(fixed) else schema.get("items")
                yield from self.problems(item, part, f"{at}[{number}]")

    def _of_object(self, value: Mapping[str, Any], schema: Schema, at: str) -> Iterator[str]:
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{_join(at, name)}: missing"
        properties = schema.get("properties", {})
        for name, item in value.items():
            yield from self.problems(item, properties.get(name, schema.get("additionalProperties")), _join(at, name))


def _own_problems(value: Any, schema: Schema, at: str) -> Iterator[str]:
    """Yield what the keywords say that look at the value as a whole."""
    kind = _KINDS.get(str(schema.get("type")))
    # A text with a format, like a date, may come as a number.
    if kind is not None and "format" not in schema and not kind[0](value):
        yield _expected(at, kind[1], value)
        return
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    # An enumeration of numbers takes their texts.
    if choices and value not in choices and all(isinstance(choice, str) for choice in choices):
        yield _expected(at, f"one of {', '.join(map(repr, choices))}" if len(choices) > 1 else repr(choices[0]), value)
    for keyword, holds, words in _BOUNDS:
        # A set of the worker's drops what is there twice.
        measured = None if schema.get("uniqueItems") else _measured(value, keyword)
        if keyword in schema and measured is not None and not holds(measured, schema[keyword]):
            yield _expected(at, words.format(schema[keyword]), value)


def _measured(value: Any, keyword: str) -> float | None:
    """Return what a bound compares; None where it compares nothing, or the worker converts the value first."""
    if keyword.endswith("Length"):
        # The worker may remove spaces first.
        return len(value.strip() if keyword == "maxLength" else value) if isinstance(value, str) else None
    if keyword.endswith("Items"):
        return len(value) if isinstance(value, list) else None
    return value if isinstance(value, int | float) else None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (ValueError, TypeError, OverflowError):
        return isinstance(value, int)
    return True


def _expected(at: str, what: str, value: Any) -> str:
    return f"{at or 'the payload'}: expected {what}, got {shortened(ascii(value), _MAX_VALUE_BYTES)}"


def _join(at: str, name: str) -> str:
    name = shortened(name, _MAX_VALUE_BYTES)
    return f"{at}.{name}" if at else name


_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "integer": (lambda value: _is_number(value) and not (isinstance(value, float) and value % 1), "an integer"),
    "number": (_is_number, "a number"),
    "boolean": (
        lambda value: value.lower() in _BOOLEANS if isinstance(value, str) else value in (0, 1),
        "true or false",
    ),
    "string": (lambda value: isinstance(value, str), "a text"),
    "array": (lambda value: isinstance(value, list), "a list"),
    "object": (lambda value: isinstance(value, dict), "an object"),
    "null": (lambda value: value is None, "null"),
}
_BOUNDS: tuple[tuple[str, Callable[[float, float], bool], str], ...] = (
    ("minimum", lambda measured, bound: measured >= bound, "at least {}"),
    ("maximum", lambda measured, bound: measured <= bound, "at most {}"),
    ("exclusiveMinimum", lambda measured, bound: measured > bound, "more than {}"),
    ("exclusiveMaximum", lambda measured, bound: measured < bound, "less than {}"),
    ("minLength", lambda measured, bound: measured >= bound, "at least {} characters"),
    ("maxLength", lambda measured, bound: measured <= bound, "at most {} characters"),
    ("minItems", lambda measured, bound: measured >= bound, "at least {} items"),
    ("maxItems", lambda measured, bound: measured <= bound, "at most {} items"),
)
