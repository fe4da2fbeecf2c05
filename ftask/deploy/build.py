"""The code of a deployment: one archive for each function, from this installation and the user's project.

Building changes nothing but the cache of dependencies. It ends with an error where the project's module cannot be
imported, so that this is known before a deployment changes anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ftask
from ftask.core.deployed import ENVIRONMENT_FILE, MANIFEST_FILE, SECRETS_FILE
from ftask.core.errors import FtaskError
from ftask.core.manifest import TaskType, parse_manifest
from ftask.deploy.archive import (
    Content,
    Entry,
    Interpreter,
    bytes_entry,
    file_entry,
    find_interpreter,
    require_size,
    with_bytecode,
    without_bytecode,
    write_zip,
)
from ftask.deploy.dependencies import Build, build_dependencies
from ftask.deploy.manifest import can_import, import_environment, make_manifest
from ftask.deploy.platforms import Platform, host_platform
from ftask.deploy.project import Project, project_files, require_included
from ftask.deploy.template import stack_folder
from ftask.deploy.worker_view import refuse_hiding, require_current_botocore
from ftask.distribution import NAME
from ftask.home.cache import cache_folder

# In ftask's own folder, where no file of a project can be.
MANIFEST = f"ftask/{MANIFEST_FILE}"
# The project's environment variables, which the worker sets before it imports the module.
ENVIRONMENT = f"ftask/{ENVIRONMENT_FILE}"
SECRETS = f"ftask/{SECRETS_FILE}"
# Of ftask, both archives have all that may run in a function, so that no import can be missing.
_CORE = ("core",)
# A task may submit others, and may be one of Django's.
_CORE_AND_TASKS = ("client", "core", "django", "schedules", "tasks")


def api_content(manifest: bytes | None = None, interpreter: Interpreter | None = None) -> Content:
    """Return the API's code: the core, the handler with the OpenAPI document, and the manifest.

    `manifest` is None without own tasks. Without an interpreter, the archive has no bytecode.
    """
    document = json.loads((stack_folder() / "handlers" / "openapi.json").read_bytes())
    openapi = bytes_entry("ftask/handlers/openapi.json", json.dumps(document, separators=(",", ":")).encode())
    code = Content.of((*_modules(_CORE, "api"), openapi, *_optional(MANIFEST, manifest)))
    return code if interpreter is None else with_bytecode(code, interpreter)


def worker_content(
    files: Mapping[str, Path],
    dependencies: Iterable[Entry] = (),
    manifest: bytes | None = None,
    interpreter: Interpreter | None = None,
    *,
    environment: bytes | None = None,
    secrets: bytes | None = None,
) -> Content:
    """Return the worker's code: the core, the handlers, the project's files, its dependencies and the manifest.

    `files` are those of the project by name, `dependencies` the entries of a build, with their bytecode; `interpreter`
    compiles the rest. `manifest` is None without own tasks, and where the code is imported to make it. `environment`
    and the ARNs of `secrets` are JSON.

    Raises:
        FtaskError: the project and a dependency, or one of them and ftask, have a module of the same name.
    """
    project = [file_entry(name, path) for name, path in files.items()]
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


Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CodeArchive:
    """The code of a function. `compressed` is a zip of some of it, which need not be compressed again."""

    content: Content
    compressed: Path | None = None

    @property
    def sha256(self) -> str:
        """The hash of the content: the same for the same code on every machine."""
        return self.content.key

    def write(self, destination: Path) -> None:
        write_zip(self.content, destination, self.compressed)


@dataclass(frozen=True, slots=True)
class Code:
    """The archives of the two functions, and the user's task types, which the worker's runs."""

    api: CodeArchive
    worker: CodeArchive
    types: tuple[TaskType, ...] = ()


def build_code(
    project: Project | None,
    platform: Platform,
    region: str,
    *,
    python: str = sys.executable,
    cache: Path | None = None,
    upgrade: bool = False,
    progress: Say = lambda line: None,
    warn: Say = lambda line: None,
) -> Code:
    """Return the code that runs on `platform`.

    `project` is None for a stage without own tasks. `python` imports the module: of the version that runs ftask, with
    what Lambda's runtime has and nothing else. With `upgrade` the newest versions are installed that the requirements
    allow, also where the cache has others. `progress` gets each line of output while dependencies are installed, `warn`
    what is doubtful about the tasks, and what the module prints.

    Raises:
        FtaskError: a dependency cannot be installed, the module cannot be imported, or the code is too large.
    """
    interpreter = find_interpreter(platform.python)
    if project is None:
        return Code(CodeArchive(api_content(None, interpreter)), CodeArchive(worker_content({}, (), None, interpreter)))
    require_included(project)
    cache = cache or cache_folder()

    def dependencies(platform: Platform, interpreter: Interpreter | None) -> Build | None:
        if project.requirements is None:
            return None
        return build_dependencies(
            project.requirements, platform, cache, interpreter=interpreter, upgrade=upgrade, progress=progress
        )

    build = dependencies(platform, interpreter)
    files = project_files(project)
    entries = () if build is None else build.entries
    refuse_hiding(files, (entry.name for entry in entries))
    require_current_botocore({} if build is None else build.versions)
    manifest = make_manifest(
        project.module,
        worker_content(files),
        _importable(build, dependencies),
        python=python,
        environment=import_environment(project, region),
        root=project.root,
        progress=warn,
    )
    environment, secrets = _json(project.environment), _json(project.secrets)
    whole = worker_content(files, entries, manifest, interpreter, environment=environment, secrets=secrets)
    worker = fit(whole)
    if interpreter is None:
        python = f"Python {platform.python}"
        warn(_without_bytecode(f"this machine has no {python}", f"Install {python}, and run `ftask deploy` again."))
    elif worker is not whole:
        warn(_without_bytecode("with it, it is larger than AWS Lambda takes", "Remove what no task needs."))
    return Code(
        CodeArchive(api_content(manifest, interpreter)),
        CodeArchive(worker, None if build is None else build.compressed),
        parse_manifest(manifest).types,
    )


def _without_bytecode(reason: str, advice: str) -> str:
    return (
        f"The worker's code has no bytecode: {reason}. Each worker compiles what it imports as it starts; large"
        f" dependencies can take longer than AWS Lambda allows. {advice}"
    )


def _json(texts: Mapping[str, str]) -> bytes | None:
    return json.dumps(dict(texts), sort_keys=True).encode() if texts else None


def _importable(
    build: Build | None, dependencies: Callable[[Platform, Interpreter | None], Build | None]
) -> Build | None:
    """Return the dependencies that this machine's Python can import: the build, else the same for this machine."""
    host = host_platform()
    interpreter = find_interpreter(host.python)
    return build if build is None or can_import(build, interpreter) else dependencies(host, interpreter)
