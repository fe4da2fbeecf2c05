"""Which files of a project a deployment is made from, and when they change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from ftask.core.errors import FtaskError
from ftask.deploy.project import Project, project_files
from ftask.deploy.requirements import requirement_files

# Time of the last change in nanoseconds, and size in bytes; None for a file that does not exist.
Stamp = tuple[int, int] | None


def deployment_files(settings: Path, project: Project) -> frozenset[Path]:
    """Return the files that decide what is deployed: `settings` (ftask.toml), and what it names.

    Raises:
        FtaskError: the module or a requirements file is missing, or a pattern is invalid.
    """
    files = {settings.absolute(), *project_files(project).values()}
    if project.policy is not None:
        files.add(project.policy)
    if project.requirements is not None:
        files.update(requirement_files(project.requirements))
    return frozenset(files)


class FileWatch:
    """Reports changes of files, each once.

    A change is reported when two looks in a row see the same state, so that a file that is being written is complete.
    """

    def __init__(self, list_files: Callable[[], Iterable[Path]]) -> None:
        """Begin with the present state as the known one.

        `list_files` returns what to watch and is called at each look, so new files are noticed. Where it raises an
        :class:`FtaskError`, the files of the look before are watched.
        """
        self._list_files = list_files
        self._files: frozenset[Path] = frozenset()
        self._known = self._seen = self._stamps()

    @property
    def files(self) -> frozenset[Path]:
        """What is watched at present."""
        return self._files

    @property
    def is_settling(self) -> bool:
        """Whether the last look saw a change that it has not reported yet."""
        return self._seen != self._known

    def look(self) -> tuple[Path, ...]:
        """Return the files that changed, appeared or went since the last report, in order; none mostly."""
        before, self._seen = self._seen, self._stamps()
        if self._seen != before or not self.is_settling:
            return ()
        changed = _differences(self._known, self._seen)
        self._known = self._seen
        return tuple(sorted(changed))

    def _stamps(self) -> dict[Path, Stamp]:
        with suppress(FtaskError):  # the build reports what is wrong
            self._files = frozenset(self._list_files())
        return {path: _stamp(path) for path in self._files}


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _differences(before: Mapping[Path, Stamp], after: Mapping[Path, Stamp]) -> set[Path]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
