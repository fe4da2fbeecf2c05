"""The commands of a group, each imported when it is used: a call uses one of them, and all take longer to read."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib import import_module
from typing import Any, ClassVar

import typer
import typer.main
from typer.core import TyperGroup

from ftask.cli.command import Command, Function, command


class Group(TyperGroup):
    """A group with the commands of :attr:`modules`, in this order.

    A module has the command as a function of the command's name, or a group as the Typer application `app`.
    """

    modules: ClassVar[Mapping[str, str]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = _Commands(self.modules)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.modules)


class _Commands(Mapping[str, Any]):
    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    def __getitem__(self, name: str) -> Any:
        return _load(self._modules[name], name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


@cache
def _load(module_name: str, name: str) -> Any:
    module = import_module(module_name)
    return typer.main.get_group(module.app) if hasattr(module, "app") else _Command(getattr(module, name))


class _Command(Command):
    """A command that reads the parameters of its function when it is called; a list of commands needs no parameters."""

    def __init__(self, function: Function) -> None:
        super().__init__(function.__name__, help=inspect.getdoc(function))
        self._function = function

    @cached_property
    def _read(self) -> Any:
        app = typer.Typer(add_completion=False)
        command(app)(self._function)
        return typer.main.get_command(app)

    def get_params(self, ctx: Any) -> list[Any]:
        self.params = self._read.params
        return super().get_params(ctx)

    def invoke(self, ctx: Any) -> Any:
        return self._read.invoke(ctx)
