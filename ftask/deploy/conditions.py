"""The template's conditions: which resources a deployment makes.

CloudFormation evaluates them itself. An emulator's change set may list resources that it then does not make, so a plan
on an emulator is filtered by what is read here: from the template's text, whose conditions stand on one line each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SECTION = re.compile(r"^Conditions:\n((?:(?:  .*)?\n)*)", re.MULTILINE)
_CONDITION = re.compile(r"^  (\w+): (!.+)$", re.MULTILINE)
# A resource, up to the line that names its condition. A resource of the user's policy is one line of JSON.
_RESOURCE = re.compile(
    r'^  (\w+):(?:\n    .*)*?\n    Condition: (\w+)$|^  (\w+): \{.*?"Condition": "(\w+)"', re.MULTILINE
)
_TOKEN = re.compile(r'!\w+|"[^"]*"|[\[\],]|[\w-]+')


def conditional_parts(template: str) -> dict[str, str]:
    """Return the resources and outputs that have a condition, each with its condition's name."""
    return {
        (name or json_name): (condition or json_condition)
        for name, condition, json_name, json_condition in _RESOURCE.findall(template)
    }


def evaluate_conditions(template: str, parameters: Mapping[str, str]) -> dict[str, bool]:
    """Return each condition of the template, and whether it holds under these parameters."""
    section = _SECTION.search(template)
    written = dict(_CONDITION.findall(section[1])) if section else {}
    expressions = {name: _parse(_tokens(text)) for name, text in written.items()}

    def value(expression: Any) -> Any:
        match expression:
            case ("!Ref", name):
                return parameters[name]
            case ("!Condition", name):
                return value(expressions[name])
            case ("!Equals", [left, right]):
                return value(left) == value(right)
            case ("!Not", [operand]):
                return not value(operand)
            case ("!And", operands):
                return all(map(value, operands))
            case _:
                return expression

    return {name: value(expression) for name, expression in expressions.items()}


def unmade_resources(template: str, parameters: Mapping[str, str]) -> frozenset[str]:
    """Return the resources that a deployment with these parameters does not make."""
    holds = evaluate_conditions(template, parameters)
    return frozenset(name for name, condition in conditional_parts(template).items() if not holds[condition])


def _tokens(text: str) -> Iterator[str]:
    return iter(_TOKEN.findall(text))


def _parse(tokens: Iterator[str]) -> Any:
    """Return one expression: a text, a list, or a function with its argument."""
    token = next(tokens)
    if token.startswith("!"):
        return token, _parse(tokens)
    if token != "[":  # noqa: S105 - a token of the text
        return token.strip('"')
    members = []
    while (member := _parse(tokens)) != "]":
        if member != ",":
            members.append(member)
    return members
