"""The commands of a group, each imported when it is used: a call uses one of them, and all take longer to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib import import_module
from typing import Any, ClassVar

import typer
import typer.main

from ftask.cli.command import Command, Function, PlainGroup, command, split_docstring


class Group(PlainGroup):
    """A group with the commands of :attr:`panels`, in this order: under each title, the module of each command.

    A module has the command as a function of the command's name, or a group as the Typer application `app`.
    """

    panels: ClassVar[Mapping[str, Mapping[str, str]]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = _Commands(self.panels)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)


class _Commands(Mapping[str, Any]):
    def __init__(self, panels: Mapping[str, Mapping[str, str]]) -> None:
        self._places = {name: (module, title) for title, panel in panels.items() for name, module in panel.items()}

    def __getitem__(self, name: str) -> Any:
        module, title = self._places[name]
        loaded = _load(module, name)
        loaded.rich_help_panel = title
        return loaded

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


@cache
def _load(module_name: str, name: str) -> Any:
    module = import_module(module_name)
    return typer.main.get_group(module.app) if hasattr(module, "app") else _Command(getattr(module, name))


class _Command(Command):
    """A command that reads the parameters of its function when it is called; a list of commands needs no parameters."""

    def __init__(self, function: Function) -> None:
        super().__init__(function.__name__, help=split_docstring(function)[0])
        self._function = function

    @property
    def examples(self) -> list[str]:
        return split_docstring(self._function)[1]

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
