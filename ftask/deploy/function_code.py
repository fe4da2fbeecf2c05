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
from ftask.deploy.closure import closure, is_description
from ftask.deploy.project import ProjectFile
from ftask.deploy.template import stack_folder
from ftask.distribution import NAME

# In ftask's own folder, where no file of a project can be.
MANIFEST = f"ftask/{MANIFEST_FILE}"
# The project's environment variables, which the worker sets before it imports the module.
ENVIRONMENT = f"ftask/{ENVIRONMENT_FILE}"
SECRETS = f"ftask/{SECRETS_FILE}"
# What the worker imports by name, as its child processes do.
WORKER = ("ftask.handlers.worker", "ftask.handlers.child")
# What it imports only where the user has tasks; and of ftask then what the user's module imports by way of `ftask`, and
# what makes the manifest of it.
OF_OWN_TASKS = ("ftask.tasks", "ftask.core.manifest")
OWN_TASKS = ("ftask.core.errors", "ftask.tasks", "ftask.tasks.manifest")


def api_content(manifest: bytes | None = None, interpreter: Interpreter | None = None) -> Content:
    """Return the API's code: its handler with the OpenAPI document, what that imports, and the manifest.

    Args:
        manifest: None without own tasks.
        interpreter: compiles it; without it there is no bytecode.
    """
    document = json.loads((stack_folder() / "handlers" / "openapi.json").read_bytes())
    openapi = bytes_entry("ftask/handlers/openapi.json", json.dumps(document, separators=(",", ":")).encode())
    code = Content.of((*_modules(["ftask.handlers.api"]), openapi, *_optional(MANIFEST, manifest)))
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
    """Return the worker's code: its handler, what that imports, the project's files, dependencies and the manifest.

    Where the project has files, what they may import of ftask is part of it too.

    Args:
        files: those of the project.
        dependencies: the entries of a build, with their bytecode.
        manifest: None without own tasks, and where the code is imported to make it.
        interpreter: compiles all but the dependencies; without it there is no bytecode.
        environment: the project's environment variables, as JSON.
        secrets: the ARNs of its secrets, as JSON.

    Raises:
        FtaskError: the project and a dependency, or one of them and ftask, have a module of the same name.
    """
    project = [file_entry(file.name, file.path) for file in files]
    installed = list(dependencies)
    _refuse_shadowing(project, installed)
    code = Content.of(
        (
            *(_modules([*WORKER, *OWN_TASKS]) if project else _modules(WORKER, leave_out=OF_OWN_TASKS)),
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


def _modules(roots: Sequence[str], leave_out: Sequence[str] = ()) -> Iterator[Entry]:
    for module, path in closure(roots, _find, leave_out).items():
        suffix = "/__init__.py" if path.name == "__init__.py" else ".py"
        name = module.replace(".", "/") + suffix
        # A description of a package is for readers of the repository.
        yield bytes_entry(name, b"") if is_description(path) else file_entry(name, path)


def _find(module: str) -> Path | None:
    parts = module.split(".")[1:]
    folder = stack_folder() if parts[:1] == ["handlers"] else _source_folder()
    module_file = folder.joinpath(*parts).with_suffix(".py") if parts else folder / "__init__.py"
    package_file = folder.joinpath(*parts, "__init__.py")
    return next((path for path in (module_file, package_file) if path.is_file()), None)


def _optional(name: str, content: bytes | None) -> Iterator[Entry]:
    if content is not None:
        yield bytes_entry(name, content)


def _source_folder() -> Path:
    return Path(ftask.__file__).parent
