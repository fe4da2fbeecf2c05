"""The tasks that this process has declared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ftask.tasks.errors import DeclarationError

if TYPE_CHECKING:
    from ftask.tasks.declaration import Declaration


class Registry:
    """Declared tasks by name, in the order of their declaration."""

    def __init__(self) -> None:
        self._declarations: dict[str, Declaration] = {}

    def __iter__(self) -> Iterator[Declaration]:
        return iter(self._declarations.values())

    def __len__(self) -> int:
        return len(self._declarations)

    @property
    def names(self) -> list[str]:
        return list(self._declarations)

    def find(self, name: str) -> Declaration | None:
        """Return the declaration of this name, or None."""
        return self._declarations.get(name)

    def add(self, declaration: Declaration) -> None:
        """Add a declaration.

        The same lines of the same file may be executed again, as a reload does: then the new function counts.

        Raises:
            DeclarationError: another task has its name, or is the default too.
        """
        name = declaration.name
        same = self.find(name)
        if same is not None and same.origin != declaration.origin:
            raise DeclarationError(
                f"Two tasks are named {name!r}: {same.location} and {declaration.location}. Rename one function, or "
                'write @task(name="another_name").'
            )
        default = next((other for other in self if other.type.is_default and other.name != name), None)
        if declaration.type.is_default and default is not None:
            raise DeclarationError(
                f"Two tasks are declared default=True: {default.name!r} ({default.location}) and {name!r} "
                f"({declaration.location}). Keep it on one of them."
            )
        self._declarations[name] = declaration


# The last one counts; the first is the process's.
_registries = [Registry()]


def registered() -> Registry:
    """Return the registry that `@task` adds to."""
    return _registries[-1]


@contextmanager
def fresh_registry() -> Iterator[Registry]:
    """Let `@task` add to an empty registry inside the block: for tests that declare tasks."""
    _registries.append(Registry())
    try:
        yield _registries[-1]
    finally:
        _registries.pop()
