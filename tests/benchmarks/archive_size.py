"""How large the archives of the functions are: python tests/benchmarks/archive_size.py"""

from __future__ import annotations

import tempfile
from pathlib import Path

from ftask.deploy.archive import Content, write_zip
from ftask.deploy.build import api_content, worker_content


def report(name: str, content: Content, folder: Path) -> None:
    write_zip(content, folder / "code.zip")
    deflated = (folder / "code.zip").stat().st_size / 1024
    print(
        f"{name:<24} {deflated:5.1f} KB deflated, {content.size / 1024:5.1f} KB unzipped, {len(content.entries)} files"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report("API", api_content(), folder)
        report("worker", worker_content({}), folder)


if __name__ == "__main__":
    main()
