"""The Python that runs functions on the local engine: with what AWS Lambda's runtime has, and nothing else.

ftask's own environment has much more. A task that imports any of that would run on the laptop and fail on AWS.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ftask.home.state_folder import RUNTIME_FOLDER, own_folder

# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
_ROOTS = ("boto3",)
_START = Path(__file__).with_name("function_start.py")


def runtime_python(root: Path) -> Path:
    """Return the interpreter of the runtime environment below the state folder `root`; make it on first use.

    Raises:
        FtaskError: the state folder belongs to another user.
        OSError: the folder cannot be used.
    """
    own_folder(root)
    packages = {path.name: path for part in _closure() for path in _top_level(part)}
    facts = [sys.version, sys.base_prefix, _START.read_text()]
    facts += [f"{name} {path}" for name, path in sorted(packages.items())]
    place = root / RUNTIME_FOLDER / hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    python = place / "bin" / "python"
    if not python.exists():
        shutil.rmtree(place, ignore_errors=True)  # of a Python that is gone
        place.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=place.parent) as name:
            made = Path(name, "environment")
            _make(made, packages)
            try:
                made.rename(place)
            except OSError:
                if not python.exists():  # else another command has made the same one
                    raise
    return python


def _make(folder: Path, packages: dict[str, Path]) -> None:
    venv.EnvBuilder(symlinks=True).create(folder)
    (site,) = folder.glob("lib/python*/site-packages")
    # Links, for botocore has thousands of files.
    for name, path in packages.items():
        (site / name).symlink_to(path)
    (site / f"ftask_{_START.name}").write_bytes(_START.read_bytes())
    # https://docs.python.org/3/library/site.html
    (site / "ftask.pth").write_text(f"import ftask_{_START.stem}; ftask_{_START.stem}.main()\n")


def _closure() -> Iterator[Distribution]:
    """Yield the distributions of the runtime, with all that they need."""
    left, seen = list(_ROOTS), set[str]()
    while left:
        name = canonicalize_name(left.pop())
        if name in seen:
            continue
        seen.add(name)
        part = distribution(name)
        requirements = map(Requirement, part.requires or ())
        left += [needed.name for needed in requirements if needed.marker is None or needed.marker.evaluate()]
        yield part


def _top_level(part: Distribution) -> Iterator[Path]:
    """Yield the files and folders of a distribution that lie directly in site-packages."""
    names = {file.parts[0] for file in part.files or ()} - {"..", "__pycache__"}
    yield from (Path(str(part.locate_file(name))) for name in names)
