"""A user's project: the folder with ftask.toml, and the files of it that run in the worker.

What runs is an allow-list, so that a secret of the folder never ends up in an archive: the Python files of the module
or package that `[tasks] module` names, and what an `include` pattern selects.
"""

from __future__ import annotations

import ast
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ftask.core.errors import FtaskError

SETTINGS_FILE = "ftask.toml"

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"arn:[a-z-]+:(secretsmanager:[a-z0-9-]+:\d{12}:secret:|ssm:[a-z0-9-]+:\d{12}:parameter/)[^\s*?]+")
# What the runtime, boto3 and ftask's own code in the same process are configured by.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
_RESERVED = ("AWS_", "LAMBDA_", "FTASK_", "_")
# https://docs.python.org/3/using/cmdline.html#environment-variables and https://man7.org/linux/man-pages/man8/ld.so.8.html
_READ_AT_START = ("PYTHON", "LD_", "DYLD_", "MALLOC_", "GLIBC_TUNABLES")


@dataclass(frozen=True, slots=True)
class Project:
    """The `[tasks]` of an ftask.toml.

    `root` is the folder of ftask.toml, `module` what the worker imports, `include` glob patterns below `root`.
    `requirements` and `policy` are absolute paths, None if the project has none. `secrets` maps an environment
    variable to the ARN that its value is read from. `submits` is whether the tasks may submit others.
    """

    root: Path
    module: str
    include: tuple[str, ...] = ()
    requirements: Path | None = None
    policy: Path | None = None
    submits: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


def open_project(
    root: Path,
    module: str,
    *,
    include: Sequence[str] = (),
    requirements: str | None = None,
    policy: str | None = None,
    submits: bool = False,
    environment: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Project:
    """Return the project in the folder `root`; paths are relative to it.

    Raises:
        FtaskError: the module, a pattern, a file or a variable is invalid.
    """
    root = root.resolve()
    for name in (*(environment or {}), *(secrets or {})):
        _require_variable_name(name)
    for name, arn in (secrets or {}).items():
        _require_secret(name, arn)
    if both := sorted((environment or {}).keys() & (secrets or {}).keys()):
        raise FtaskError(
            f"{both[0]!r} is both an environment variable and a secret under [tasks].", "Remove one of them."
        )
    project = Project(
        root,
        module,
        tuple(include),
        _existing_file(root, "requirements", requirements),
        _existing_file(root, "policy", policy),
        submits,
        dict(environment or {}),
        dict(secrets or {}),
    )
    project_files(project)
    return project


def project_files(project: Project) -> dict[str, Path]:
    """Return the files that run in the worker, by their names in the archive, in order.

    Raises:
        FtaskError: the module is missing or leaves the folder, or a pattern does.
    """
    names = set(_module_files(project.root, project.module))
    for pattern in project.include:
        names.update(_included_files(project.root, pattern))
    return {name: project.root / name for name in sorted(names)}


def read_project(file: Path) -> Project | None:
    """Return the project of an ftask.toml as a test sees it, without its environment; None without own tasks.

    Raises:
        FtaskError: the module, a pattern or a file is invalid.
    """
    with suppress(tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError):  # every command says so
        tasks = tomllib.loads(file.read_text(encoding="utf-8-sig"))["tasks"]
        include, requirements = tasks.get("include", ()), tasks.get("requirements")
        return open_project(file.absolute().parent, tasks["module"], include=include, requirements=requirements)
    return None


def require_included(project: Project) -> None:
    """Refuse what a worker could not import: a module of the folder that the archive leaves out.

    Raises:
        FtaskError: a file of the project imports one.
    """
    files = project_files(project)
    packed = {file.partition("/")[0].removesuffix(".py") for file in files}
    for file, path in files.items():
        for name in _imports(path) if file.endswith(".py") else ():
            if name not in packed and (missing := include_for_module(project.root, name)) is not None:
                raise FtaskError(f"{file} imports {name!r}, and the worker's archive leaves that out.", missing)


def include_for_module(root: Path, name: str) -> str | None:
    """Return how to pack a module that lies in the folder `root`; None if none of that name does."""
    if (root / f"{name}.py").is_file():
        return _include(f"{name}.py")
    return _include(f"{name}/**/*.py") if (root / name / "__init__.py").is_file() else None


def include_for_file(root: Path, name: str) -> str | None:
    """Return how to pack another file of the folder `root`; None if it is not one."""
    path = root / name
    return _include(name) if path.is_file() and path.resolve().is_relative_to(root) else None


def _include(pattern: str) -> str:
    return f'Add it to `include` under [tasks] in {SETTINGS_FILE}: include = ["{pattern}"]'


def _imports(file: Path) -> Iterator[str]:
    """Yield the top-level names that a file imports where nothing expects them to be missing."""
    try:
        waiting: list[ast.AST] = [ast.parse(file.read_bytes())]
    except (SyntaxError, ValueError):
        return  # the import says so
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]
        is_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not is_for_types and not isinstance(node, ast.Try):
            waiting += ast.iter_child_nodes(node)


def _require_variable_name(name: str) -> None:
    if not _VARIABLE.fullmatch(name):
        raise FtaskError(
            f"Invalid environment variable {name!r} under [tasks]: use letters, digits and underscores, like LOG_LEVEL."
        )
    if name.startswith(_RESERVED):
        raise FtaskError(
            f"Invalid environment variable {name!r} under [tasks]: names that begin with {name.partition('_')[0]}_ "
            "belong to AWS Lambda and ftask.",
            "Rename the variable.",
        )

    if name.startswith(_READ_AT_START):
        raise FtaskError(
            f"Invalid environment variable {name!r} under [tasks]: Python and the C library read it when a process "
            "starts, before ftask sets the variables of the tasks.",
            "Remove it. A program that a task starts can have it: "
            f"subprocess.run(..., env={{**os.environ, {name!r}: ...}})",
        )


def _require_secret(name: str, arn: str) -> None:
    if not _SECRET.fullmatch(arn):
        raise FtaskError(
            f"Invalid secret {name} = {arn!r} under [tasks]: expected the ARN of a secret of AWS Secrets Manager "
            "or of a parameter of AWS Systems Manager.",
            "An ARN looks like arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-AbCdEf"
            " or arn:aws:ssm:eu-central-1:123456789012:parameter/stripe.",
        )


def _existing_file(root: Path, setting: str, value: str | None) -> Path | None:
    if value is None:
        return None
    path = root / value
    if not path.is_file():
        raise FtaskError(
            f"Invalid `{setting}` under [tasks]: {value!r} does not exist in {root}.",
            f"Create the file, or correct `{setting}` in {SETTINGS_FILE}.",
        )
    return path


def _module_files(root: Path, module: str) -> Iterator[str]:
    """Yield the Python files of a module, or of the whole package that a dotted name belongs to."""
    top = _require_module_name(module).partition(".")[0]
    file, package = root / f"{top}.py", root / top
    if file.is_file() and package.is_dir() and any(package.glob("*.py")):
        raise FtaskError(
            f"The tasks module {top!r} is ambiguous: {root} has both {top}.py and {top}/.", "Rename one of them."
        )
    if "." not in module and file.is_file():
        yield _inside(root, file)
        return
    if not (package / "__init__.py").is_file():
        raise FtaskError(
            f"The tasks module {module!r} does not exist: {root} has neither {top}.py nor {top}/__init__.py.",
            f"Create one of them, or correct `module` under [tasks] in {SETTINGS_FILE}.",
        )
    inner = root.joinpath(*module.split("."))
    if not (inner.with_name(f"{inner.name}.py").is_file() or (inner / "__init__.py").is_file()):
        raise FtaskError(
            f"The tasks module {module!r} does not exist: the package {package} does not contain it.",
            f"Correct `module` under [tasks] in {SETTINGS_FILE}.",
        )
    yield from _package_files(root, package)


def _require_module_name(module: str) -> str:
    if not all(part.isidentifier() for part in module.split(".")):
        raise FtaskError(
            f"Invalid `module` {module!r} under [tasks]: expected the name of a module or package in the folder of "
            f"{SETTINGS_FILE}, like tasks or shop.tasks.",
            "Modules outside that folder are not deployed: move them in, or install them by `requirements`.",
        )
    top = module.partition(".")[0]
    if top == "ftask" or top in sys.stdlib_module_names:
        owner = "ftask" if top == "ftask" else "Python's standard library"
        raise FtaskError(
            f"Invalid `module` {module!r} under [tasks]: {owner} already has a module of that name.",
            "Rename the module, for example to tasks.",
        )
    return module


def _package_files(root: Path, package: Path) -> Iterator[str]:
    _inside(root, package)
    for folder, subfolders, files in os.walk(package):
        subfolders[:] = sorted(name for name in subfolders if name != "__pycache__" and not name.startswith("."))
        for name in subfolders:
            if (Path(folder) / name).is_symlink():
                raise FtaskError(
                    f"{Path(folder, name).relative_to(root).as_posix()} is a symbolic link to a folder; "
                    "ftask follows links to files only.",
                    "Put the files themselves there.",
                )
        yield from (_inside(root, Path(folder) / name) for name in files if name.endswith(".py"))


def _included_files(root: Path, pattern: str) -> Iterator[str]:
    parts = PurePosixPath(pattern).parts
    if not parts or PurePosixPath(pattern).is_absolute() or Path(pattern).is_absolute() or ".." in parts:
        raise FtaskError(
            f"Invalid `include` pattern {pattern!r} under [tasks]: it leaves the folder {root}.",
            f"Patterns are relative to the folder of {SETTINGS_FILE}, like templates/**/*.html.",
        )
    try:
        matches = [path for path in root.glob(pattern) if path.is_file()]
    except ValueError as error:
        raise FtaskError(
            f"Invalid `include` pattern {pattern!r} under [tasks]: {error}.",
            "Write a pattern like templates/**/*.html.",
        ) from None
    names = {_inside(root, path) for path in matches if _is_wanted(path.relative_to(root).parts, parts)}
    if SETTINGS_FILE in names:
        raise FtaskError(
            f"Invalid `include` pattern {pattern!r} under [tasks]: it selects the whole folder, {SETTINGS_FILE} "
            "and files that may hold secrets included.",
            "Name what the tasks read, like templates/**/*.html.",
        )
    if not names:
        raise FtaskError(
            f"Invalid `include` pattern {pattern!r} under [tasks]: it selects no file in {root}.",
            "Correct the pattern, or remove it. A wildcard does not match a dot at the beginning of a name.",
        )
    yield from names


def _is_wanted(name: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Return whether a match is shipped: as in a shell, a wildcard alone does not select what begins with a dot."""
    dotted = [part for part in pattern if part.startswith(".")]
    return "__pycache__" not in name and all(
        not part.startswith(".") or any(fnmatchcase(part, dot) for dot in dotted) for part in name
    )


def _inside(root: Path, path: Path) -> str:
    """Return the name of `path` below `root`; refuse a symbolic link that leads out of it."""
    name = path.relative_to(root).as_posix()
    target = path.resolve()
    if not target.is_relative_to(root):
        raise FtaskError(
            f"{name} is a symbolic link out of the project: it leads to {target}.",
            "Put the file itself into the project, or do not include it.",
        )
    return name
