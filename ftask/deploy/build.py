"""The code of a deployment: one archive for each function, from this installation and the user's project.

Building changes nothing but the cache of dependencies. It ends with an error where the project's module cannot be
imported, so that this is known before a deployment changes anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ftask.core.manifest import TaskType, parse_manifest
from ftask.deploy.archive import Content, write_zip
from ftask.deploy.bytecode import Interpreter, find_interpreter
from ftask.deploy.dependencies import Build, build_dependencies
from ftask.deploy.function_code import api_content, fit, worker_content
from ftask.deploy.manifest import can_import, import_environment, make_manifest
from ftask.deploy.platforms import Platform, host_platform
from ftask.deploy.project import Project, project_files, require_included
from ftask.deploy.worker_view import refuse_hiding, require_current_botocore
from ftask.home.cache import cache_folder

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
        return Code(CodeArchive(api_content(None, interpreter)), CodeArchive(worker_content((), (), None, interpreter)))
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
    refuse_hiding((file.name for file in files), (entry.name for entry in entries))
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
