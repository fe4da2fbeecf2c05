"""Which of ftask's own modules a function's archive needs: what its handler imports, and what that imports.

Found in the source, so that a module which is only imported on some path is found too.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGE = "ftask"

Find = Callable[[str], Path | None]
"""Returns the file of a module of ftask; None where no module has this name."""


def closure(roots: Iterable[str], find: Find, leave_out: Iterable[str] = ()) -> dict[str, Path]:
    """Return the modules that `roots` import at any time, themselves and their packages included, with their files.

    `leave_out` are modules and packages that are not deployed, though others would import them on some path.
    """
    left_out = tuple(leave_out)
    found: dict[str, Path] = {}
    waiting = [module for root in roots for module in _with_packages(root)]
    while waiting:
        module = waiting.pop()
        if module in found or any(_is_in(module, package) for package in left_out):
            continue
        path = find(module)
        if path is not None:
            found[module] = path
            waiting += [package for name in imports(path) for package in _with_packages(name)]
    return found


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the names in the package that a source file imports, functions included; types for a checker are not.

    Of `from a import b` both `a` and `a.b` are among them, whether `b` is a module or not.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(name for name in _imports(tree.body) if name.partition(".")[0] == PACKAGE)


def is_description(path: Path) -> bool:
    """Return whether a source file has nothing but a docstring."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from _imports(node.orelse)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        else:
            yield from _imports(ast.iter_child_nodes(node))


def _with_packages(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: length + 1]) for length in range(len(parts))]


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")
