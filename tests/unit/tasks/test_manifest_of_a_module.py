"""`python -m ftask.tasks.manifest MODULE`: the types of a module, or why it cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from ftask.core.manifest import Argument, parse_manifest
from ftask.tasks.declaration import Registry, task
from ftask.tasks.errors import DeclarationError
from ftask.tasks.manifest import build_manifest

ROOT = Path(__file__).parents[3]
WITHOUT_PYDANTIC = """
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("pydantic", "pydantic_core"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
"""


def describe(folder: Path, source: str, *, pydantic: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the manifest of a module `orders` with this source in a process of its own, as a deployment does."""
    (folder / "orders.py").write_text(dedent(source), encoding="utf-8")
    code = f"""
import sys, runpy
sys.path[:0] = [{str(folder)!r}, {str(ROOT)!r}]
{"" if pydantic else WITHOUT_PYDANTIC}
sys.argv = ["manifest", "orders"]
runpy.run_module("ftask.tasks.manifest", run_name="__main__", alter_sys=True)
"""
    return subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60, check=False)


GOOD = """
    from datetime import date
    from ftask import task

    print("at import")

    @task(max_attempts=5, default=True)
    def send(order_id: int, day: date, note: str = "none", tags: "list[str] | None" = None):
        '''Send it.'''

    @task(timeout=20)
    async def resize(image, width=800, made=object()): ...
"""


def test_the_manifest_alone_goes_to_stdout(tmp_path: Path) -> None:
    done = describe(tmp_path, GOOD)
    assert (done.returncode, done.stderr) == (0, "at import\n")
    manifest = parse_manifest(done.stdout)
    assert manifest.module == "orders"
    send, resize = manifest.types
    assert (send.name, send.doc, send.options.max_attempts, send.is_default) == ("send", "Send it.", 5, True)
    assert send.arguments == (
        Argument("order_id", annotation="int"),
        Argument("day", annotation="date" if send.arguments[1].annotation == "date" else "datetime.date"),
        Argument("note", required=False, annotation="str", default='"none"'),
        Argument("tags", required=False, annotation="list[str] | None", default="null"),
    )
    assert resize.options.timeout_seconds == 20
    assert resize.arguments == (
        Argument("image"),
        Argument("width", required=False, default="800"),
        Argument("made", required=False),
    )
    assert send.schema is not None
    assert send.schema["required"] == ["order_id", "day"]
    assert send.schema["properties"]["day"] == {"title": "Day", "type": "string", "format": "date"}
    assert send.schema["properties"]["note"]["default"] == "none"
    assert send.schema["properties"]["tags"]["default"] is None
    assert send.schema["additionalProperties"] is False
    assert resize.schema is None


def test_output_from_below_python_does_not_mix_with_the_manifest(tmp_path: Path) -> None:
    done = describe(
        tmp_path, "import os, subprocess\nos.write(1, b'x')\nsubprocess.run(['echo', 'y'])\n" + dedent(GOOD)
    )
    assert done.stderr == "xy\nat import\n"
    assert len(parse_manifest(done.stdout).types) == 2


def test_without_pydantic_there_is_no_schema_and_a_type_that_json_lacks_is_warned_of(tmp_path: Path) -> None:
    done = describe(tmp_path, GOOD, pydantic=False)
    assert done.returncode == 0
    assert done.stderr == (
        "at import\n"
        "warning: send(day: date) gets the value as JSON has it, because the project does not have pydantic. "
        "Add pydantic to the requirements, or convert it in the task.\n"
    )
    assert [task_type.schema for task_type in parse_manifest(done.stdout).types] == [None, None]


def test_types_that_json_has_are_not_warned_of(tmp_path: Path) -> None:
    source = """
        from __future__ import annotations
        from collections.abc import Mapping, Sequence
        from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional, TypedDict, Union
        from ftask import task
        if TYPE_CHECKING:
            from nowhere import Thing

        class Line(TypedDict):
            sku: str

        @task
        def send(a: int, b: Optional[str], c: dict[str, list[float]], d: Literal["x", 1, None], e: Line, f: Any,
                 g: Annotated[bool, "note"], h: Union[int, None], i: list, j: Mapping[str, object], k: Sequence[Line],
                 **rest: int): ...

        @task
        def unresolvable(a: Thing): ...

        @task
        def convert(a: list[complex], b: Literal[b"x"], c: tuple[int, ...]): ...
    """
    done = describe(tmp_path, source, pydantic=False)
    assert done.returncode == 0, done.stderr
    assert [line.partition(" gets ")[0] for line in done.stderr.splitlines()] == [
        "warning: convert(a: list[complex])",
        "warning: convert(b: typing.Literal[b'x'])",
        "warning: convert(c: tuple[int, ...])",
    ]


@pytest.mark.parametrize(
    ("source", "ends"),
    [
        ("x = 1\n", "The module 'orders' declares no tasks. Put @task above a function: from ftask import task.\n"),
        (
            "def helper():\n    return 1 / 0\nhelper()\n",
            "    return 1 / 0\n           ~~^~~\nZeroDivisionError: division by zero\n",
        ),
        (
            "def broken(:\n",
            "SyntaxError: invalid syntax\n",
        ),
        (
            "import not_installed\n",
            (
                "ModuleNotFoundError: No module named 'not_installed'\n"
                "Add the package that has 'not_installed' to the requirements; its name may be another one.\n"
            ),
        ),
        (
            "import sys\nsys.exit(3)\n",
            "SystemExit: 3\n",
        ),
        (
            "from ftask import task\n@task(max_attempts=0)\ndef send(): ...\n",
            "Task 'send' (orders.py:2): invalid max_attempts=0: write a whole number from 1 to 100.\n",
        ),
        (
            "from ftask import task\n@task\ndef send(): ...\n@task\ndef send(a): ...\n",
            (
                "Two tasks are named 'send': orders.py:2 and orders.py:4. Rename one function, or write "
                '@task(name="another_name").\n'
            ),
        ),
        (
            "from ftask import task\nclass Thing: ...\n@task\ndef send(a: Thing): ...\n",
            "Annotate what JSON can express, or a pydantic model.\n",
        ),
    ],
)
def test_a_module_that_cannot_be_used_is_explained_on_stderr(tmp_path: Path, source: str, ends: str) -> None:
    done = describe(tmp_path, source)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(ends)
    assert "importlib" not in done.stderr
    assert "ftask/tasks" not in done.stderr


def test_an_import_error_shows_the_users_frames_alone(tmp_path: Path) -> None:
    done = describe(tmp_path, "def helper():\n    return 1 / 0\nhelper()\n")
    frames = [line.split(", ", 1)[1] for line in done.stderr.splitlines() if line.startswith("  File ")]
    assert frames == ["line 3, in <module>", "line 2, in helper"]


def test_a_module_that_does_not_exist_is_told_from_one_that_it_imports(tmp_path: Path) -> None:
    code = f"""
import sys, runpy
sys.path[:0] = [{str(ROOT)!r}]
sys.argv = ["manifest", "shop.orders"]
runpy.run_module("ftask.tasks.manifest", run_name="__main__", alter_sys=True)
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Cannot import the tasks: no module named 'shop'.\n"
        "Put shop.py into ftask.toml's folder, or correct `module` under [tasks].\n"
    )


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_wrong_use_says_how(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ftask.tasks.manifest", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (2, "usage: python -m ftask.tasks.manifest MODULE\n")


def test_a_conversion_that_cannot_be_prepared_fails_the_manifest(registry: Registry) -> None:
    @task
    def send(when: Unheard) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(DeclarationError, match="name 'Unheard' is not defined"):
        build_manifest(registry)
