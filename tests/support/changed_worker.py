"""A deployed worker with other code than the repository's."""

from __future__ import annotations

from ftask.deploy.archive import Content, bytes_entry, write_zip
from ftask.deploy.build import worker_content
from tests.support.cli import Cli
from tests.support.engines import local_target


def append_to_worker(engine: Cli, code: str) -> None:
    """Give the deployed worker's function code that has `code` at the end of its handler's module."""
    changed = Content.of(
        bytes_entry(entry.name, entry.read() + code.encode()) if entry.name.endswith("handlers/worker.py") else entry
        for entry in worker_content({}).entries
    )
    archive = engine.folder / "changed.zip"
    write_zip(changed, archive)
    local_target(engine).lambda_.update_function_code(FunctionName="ftask-local-worker", ZipFile=archive.read_bytes())
