"""What the archive of each function holds.

The API's has the protocol and the manifest; the worker's has the user's code and its dependencies too. So a change of
task code that leaves the manifest alone leaves the API's archive alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import ftask
from ftask.core.deployed import ENVIRONMENT_FILE, MANIFEST_FILE, SECRETS_FILE
from ftask.core.errors import FtaskError
from ftask.deploy.archive import Content, Entry, bytes_entry, file_entry, require_size
from ftask.deploy.bytecode import Interpreter, with_bytecode, without_bytecode
from ftask.deploy.project import ProjectFile
from ftask.deploy.template import stack_folder
from ftask.distribution import NAME

# In ftask's own folder, where no file of a project can be.
MANIFEST = f"ftask/{MANIFEST_FILE}"
# The project's environment variables, which the worker sets before it imports the module.
ENVIRONMENT = f"ftask/{ENVIRONMENT_FILE}"
SECRETS = f"ftask/{SECRETS_FILE}"
# Of ftask, both archives have all that may run in a function, so that no import can be missing.
_CORE = ("core",)
# A task may submit others.
_CORE_AND_TASKS = ("client", "core", "tasks")


def api_content(manifest: bytes | None = None, interpreter: Interpreter | None = None) -> Content:
    """Return the API's code: the core, the handler with the OpenAPI document, and the manifest.

    `manifest` is None without own tasks. Without an interpreter, the archive has no bytecode.
    """
    document = json.loads((stack_folder() / "handlers" / "openapi.json").read_bytes())
    openapi = bytes_entry("ftask/handlers/openapi.json", json.dumps(document, separators=(",", ":")).encode())
    code = Content.of((*_modules(_CORE, "api"), openapi, *_optional(MANIFEST, manifest)))
    return code if interpreter is None else with_bytecode(code, interpreter)


def worker_content(
    files: Iterable[ProjectFile],
    dependencies: Iterable[Entry] = (),
    manifest: bytes | None = None,
    interpreter: Interpreter | None = None,
    *,
    environment: bytes | None = None,
    secrets: bytes | None = None,
) -> Content:
    """Return the worker's code: the core, the handlers, the project's files, its dependencies and the manifest.

    `files` are those of the project, `dependencies` the entries of a build, with their bytecode; `interpreter` compiles
    the rest. `manifest` is None without own tasks, and where the code is imported to make it. `environment` and the
    ARNs of `secrets` are JSON.

    Raises:
        FtaskError: the project and a dependency, or one of them and ftask, have a module of the same name.
    """
    project = [file_entry(file.name, file.path) for file in files]
    installed = list(dependencies)
    _refuse_shadowing(project, installed)
    code = Content.of(
        (
            *_modules(_CORE_AND_TASKS, "worker", "child"),
            *project,
            *(*_optional(MANIFEST, manifest), *_optional(ENVIRONMENT, environment), *_optional(SECRETS, secrets)),
        )
    )
    if interpreter is not None:
        code = with_bytecode(code, interpreter)
    return Content.of((*code.entries, *installed))


def fit(content: Content) -> Content:
    """Return the content, without its bytecode if it is too large with it.

    Raises:
        FtaskError: it is too large for AWS Lambda without it as well.
    """
    try:
        require_size(content)
    except FtaskError:
        content = without_bytecode(content)
        require_size(content)
    return content


def _refuse_shadowing(project: list[Entry], installed: list[Entry]) -> None:
    dependencies = {_top_level(entry.name) for entry in installed}
    if "ftask" in dependencies:
        raise FtaskError(
            f"The requirements install {NAME}, which the worker gets from this installation.",
            f"Remove {NAME} from the requirements; where it is needed for tests, put it into a second file.",
        )
    modules = {_top_level(entry.name) for entry in project}
    if "ftask" in modules:
        raise FtaskError(
            "`include` selects files in a folder ftask/, where the worker has ftask itself.", "Rename the folder."
        )
    if both := sorted(modules & dependencies):
        raise FtaskError(
            f"The project and its requirements both have {both[0]!r}; one of them would hide the other.",
            "Rename the project's module or folder.",
        )


def _top_level(name: str) -> str:
    return name.partition("/")[0].partition(".")[0]


def _modules(packages: Sequence[str], *handlers: str) -> Iterator[Entry]:
    """Yield these packages of ftask, and these handlers as modules of `ftask.handlers`."""
    source = Path(ftask.__file__).parent
    yield file_entry("ftask/__init__.py", source / "__init__.py")
    for package in packages:
        for path in sorted((source / package).rglob("*.py")):
            yield file_entry(f"ftask/{path.relative_to(source).as_posix()}", path)
    for name in handlers:
        yield file_entry(f"ftask/handlers/{name}.py", stack_folder() / "handlers" / f"{name}.py")


def _optional(name: str, content: bytes | None) -> Iterator[Entry]:
    if content is not None:
        yield bytes_entry(name, content)
