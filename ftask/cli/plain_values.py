"""Values of a command line that need no conversion.

Typer converts every value by pydantic, also a text that is to be a text and an option that was not given. Importing
pydantic takes longer than many a command, so these values are returned as they are, and Typer gets the others.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

_PLAIN = (str, bool, int, float)


class _PlainValues:
    """Stands in for what Typer converts the values of `parameter` with."""

    def __init__(self, parameter: Any) -> None:
        self._converter = parameter.get_runtime_param

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        descriptor = param.type_descriptor
        kind = descriptor.annotation
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if descriptor.parameter_info.parser is None:
            # A value that is not from the command line, like a default, has its type already.
            if type(value) is kind and (kind in _PLAIN or isinstance(value, Enum)):
                return value
            if isinstance(kind, type) and issubclass(kind, Enum) and value in {member.value for member in kind}:
                return kind(value)
            if kind == list[str] and isinstance(value, tuple | list) and all(type(each) is str for each in value):
                return list(value)
        return self._converter().coerce(value, param=param, ctx=ctx)


def keep_plain_values(parameters: list[Any]) -> list[Any]:
    """Return the parameters, which no longer convert what needs no conversion."""
    for parameter in parameters:
        # Another version of Typer may do without these two; then it converts as it always does.
        is_known = hasattr(parameter, "get_runtime_param") and hasattr(parameter, "type_descriptor")
        if is_known and "get_runtime_param" not in vars(parameter):
            plain = _PlainValues(parameter)
            parameter.get_runtime_param = lambda plain=plain: plain
    return parameters
