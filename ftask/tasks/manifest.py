"""The manifest of the declared tasks: `python -m ftask.tasks.manifest MODULE` imports a module and prints it.

A deployment runs this on what it has built, in a process apart, so that a module that cannot be imported is known
before anything changes.
"""

from __future__ import annotations

import json
import os
import sys
import types
import typing
from collections import abc
from dataclasses import replace

from ftask.core.errors import FtaskError, error_text
from ftask.core.json_schema import UNCHECKED
from ftask.core.manifest import Manifest, encode_manifest
from ftask.tasks.conversion import argument_adapter, argument_types, has_pydantic
from ftask.tasks.declaration import Declaration, Registry
from ftask.tasks.errors import DeclarationError
from ftask.tasks.loading import load_tasks

# What the project can do in pydantic so that more is accepted than the JSON schema says.
_OWN_VALIDATORS = ("function-before", "function-wrap", "function-plain")
_FREE_OPTIONS = ("coerce_numbers_to_str", "populate_by_name", "validate_by_name")


def build_manifest(registry: Registry) -> Manifest:
    """Return the manifest of the tasks in `registry`.

    Raises:
        DeclarationError: pydantic cannot convert to an annotation of a task.
    """
    return Manifest(tuple(replace(declaration.type, schema=_schema(declaration)) for declaration in registry))


def unconverted_arguments(registry: Registry) -> list[str]:
    """Return one warning for each argument that asks for a type which JSON does not have, where pydantic is missing."""
    if has_pydantic():
        return []
    return [
        f"{declaration.name}({name}: {_name(kind)}) gets the value as JSON has it, because the project does not have "
        "pydantic. Add pydantic to the requirements, or convert it in the task."
        for declaration in registry
        for name, kind in _resolvable_types(declaration).items()
        if not _is_json(kind)
    ]


def main(arguments: list[str]) -> int:
    """Print the manifest of the module that `arguments` name; return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m ftask.tasks.manifest MODULE\n")
        return 2
    # The manifest alone goes to stdout: what the module prints, also from C or a child process, goes to stderr.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as stdout:
        sys.stdout.flush()
        os.dup2(2, 1)
        try:
            registry = load_tasks(arguments[0])
            text = encode_manifest(replace(build_manifest(registry), module=arguments[0]))
        except FtaskError as error:
            sys.stderr.write(error_text(error) + "\n")
            return 1
        sys.stdout.flush()
        for warning in unconverted_arguments(registry):
            sys.stderr.write(f"warning: {warning}\n")
        stdout.write(text)
    return 0


def _schema(declaration: Declaration) -> dict[str, typing.Any] | None:
    adapter = argument_adapter(declaration)
    if adapter is None:
        return None
    from pydantic import PydanticUserError  # a project need not have it

    try:
        schema = adapter.json_schema()
    except PydanticUserError:
        return {}  # a type that validates, and whose JSON nobody can describe
    for argument in declaration.type.arguments:
        if argument.default is not None and argument.name in schema["properties"]:
            schema["properties"][argument.name]["default"] = json.loads(argument.default)
    return schema | {UNCHECKED: True} if _converts_freely(adapter.core_schema) else schema


def _converts_freely(node: object) -> bool:
    """Return whether pydantic may accept what the JSON schema does not: validators of the project, other names."""
    if isinstance(node, dict):
        if node.get("type") in _OWN_VALIDATORS or isinstance(node.get("validation_alias"), list):
            return True
        if any(node.get(option) for option in _FREE_OPTIONS):
            return True
        return any(map(_converts_freely, node.values()))
    return isinstance(node, (list, tuple)) and any(map(_converts_freely, node))


def _resolvable_types(declaration: Declaration) -> dict[str, typing.Any]:
    try:
        return argument_types(declaration)
    except DeclarationError:
        return {}  # nothing looks at the annotations where pydantic is missing


_JSON_TYPES = (typing.Any, object, str, int, float, bool, types.NoneType, dict, list, abc.Mapping, abc.Sequence)
_JSON_GENERICS = (dict, list, abc.Mapping, abc.Sequence, typing.Union, types.UnionType)


def _is_json(kind: typing.Any) -> bool:
    """Return whether a value of this type may come from JSON without conversion."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return all(type(value) in _JSON_TYPES for value in arguments)
    if origin is typing.Annotated:
        return _is_json(arguments[0])
    if origin is not None:
        return origin in _JSON_GENERICS and all(map(_is_json, arguments))
    return kind in _JSON_TYPES or typing.is_typeddict(kind)


def _name(kind: typing.Any) -> str:
    return kind.__qualname__ if isinstance(kind, type) and typing.get_origin(kind) is None else str(kind)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
