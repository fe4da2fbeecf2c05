"""The arrows point one way: cli → cockpit → render → bench, deploy, doctor → ops, actions → selection, local → aws.

All import the core. The command line imports the tasks too. The handlers import the core, and the worker's the tasks
where the user has some.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ftask.deploy.build import api_content, worker_content

ROOT = Path(__file__).parents[2]
# What each package may import of ftask besides itself.
EDGES = {
    "core": set(),
    "client": {"core", "local"},
    "schedules": {"core"},
    "tasks": {"client", "core", "schedules"},
    "django": {"client", "core", "tasks"},
    "operator": {"actions", "aws", "core", "local", "selection"},
    "testing.py": {"deploy", "tasks"},
    "aws": {"client", "core"},
    "distribution": set(),
    "home": {"aws", "core"},
    "local": {"core", "distribution", "home"},
    "policy": set(),
    "deploy": {"aws", "client", "core", "distribution", "home", "schedules"},
    "selection": {"aws", "client", "core"},
    "actions": {"aws", "core", "home", "selection"},
    "ops": {"aws", "client", "core", "home", "schedules", "selection"},
    "submission": {"aws", "client", "core", "home", "selection"},
    "doctor": {"actions", "aws", "core", "ops", "selection"},
    "bench": {"aws", "client", "core", "distribution", "ops", "selection", "submission"},
    "render": {"actions", "aws", "bench", "core", "deploy", "doctor", "ops", "schedules", "selection", "submission"},
    "cockpit": {"actions", "aws", "client", "core", "home", "ops", "render", "selection"},
    "cli": {
        "schedules",
        *(
            "actions",
            "aws",
            "bench",
            "client",
            "cockpit",
            "core",
            "deploy",
            "distribution",
            "doctor",
            "local",
            "ops",
            "policy",
            "render",
        ),
        *("home", "scaffold", "selection", "submission", "tasks"),
    },
    "handlers": {"core", "tasks"},
}
# Within the core, values and rules know no adapter and no botocore.
PURE = {
    "attempt_keys",
    "cancellation",
    "child",
    "codec",
    "deployed",
    "drain",
    "due",
    "errors",
    "events",
    "expiry",
    "firings",
    "isolation",
    "item",
    "json_schema",
    "labels",
    "letters",
    "local_stage",
    "transitions",
    "manifest",
    "memory",
    "model",
    "payload",
    "payload_item",
    "ports",
    "raised",
    "ranges",
    "retry",
    "text",
    "threads",
    "timestamps",
    "submission",
    "execution",
    "redrive",
    "rescheduling",
    "workload",
    "settings",
    "log",
    "metrics",
}
ADAPTERS = {
    "ftask.core.clients",
    "ftask.core.dynamodb",
    "ftask.core.failed_index",
    "ftask.core.one_time_schedules",
    "ftask.core.schedule_records",
    "ftask.core.secrets",
    "ftask.core.service_models",
    "ftask.core.sqs",
}
HEAVY = {"typer", "rich", "boto3", "pydantic", "moto", "filelock", "packaging", "platformdirs"}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / "ftask").rglob("*.py")):
        package = path.relative_to(ROOT / "ftask").parts[0].removesuffix(".py")
        if package in EDGES:
            yield package, path
    for path in sorted((ROOT / "stack" / "handlers").glob("*.py")):
        yield "handlers", path


@cache
def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def packages_that_import(library: str) -> set[str]:
    return {package for package, path in modules() if library in {name.split(".")[0] for name in imports(path)}}


def test_a_module_imports_only_what_lies_below_it() -> None:
    upward = {
        f"{path.relative_to(ROOT)} imports {name}"
        for package, path in modules()
        for name in imports(path)
        if name.startswith("ftask.") and name != "ftask.__version__"
        if name.split(".")[1] not in EDGES[package] | {package}
    }
    assert upward == set()


def test_values_and_rules_import_no_adapter() -> None:
    impure = {
        f"{module} imports {name}"
        for module in PURE
        for name in imports(ROOT / "ftask" / "core" / f"{module}.py")
        if name in ADAPTERS or name.split(".")[0] == "botocore"
    }
    assert impure == set()


def test_every_module_of_the_core_is_either_pure_or_an_adapter() -> None:
    names = {path.stem for path in (ROOT / "ftask" / "core").glob("*.py")} - {"__init__"}
    assert names == PURE | {name.rpartition(".")[2] for name in ADAPTERS}


def test_only_render_knows_rich() -> None:
    assert packages_that_import("rich") == {"render"}


def test_only_the_cockpit_knows_textual() -> None:
    assert packages_that_import("textual") == {"cockpit"}


def test_what_the_cockpit_shows_is_decided_without_textual() -> None:
    code = """
import sys
import ftask.cockpit.board, ftask.cockpit.operations
assert not any(name.split(".")[0] == "textual" for name in sys.modules)
"""
    run(code, ROOT)


def test_no_command_imports_an_optional_extra_before_it_runs() -> None:
    """A user without the extra has the command, and is told how to install it."""
    code = """
import importlib, pkgutil, sys
import ftask.cli
for module in pkgutil.walk_packages(ftask.cli.__path__, "ftask.cli."):
    importlib.import_module(module.name)
assert not {"textual", "ftask.cockpit", "matplotlib", "jinja2", "ministack", "types_boto3"} & sys.modules.keys()
"""
    run(code, ROOT)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    api_content().write_to(folder / "api")
    worker_content({}).write_to(folder / "worker")
    return folder


def run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False, env={}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("handler", ["api", "worker"])
def test_a_handler_imports_from_the_built_archive_without_anything_heavy_and_without_effect(
    unpacked: Path, handler: str
) -> None:
    loaded = run(
        f"import sys, ftask.handlers.{handler} as h; print(h.__file__); print(*sys.modules, sep='\\n')",
        unpacked / handler,
    ).splitlines()
    assert loaded[0].startswith(str(unpacked / handler))
    assert not {name.split(".")[0] for name in loaded[1:]} & HEAVY


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
    ],
)
def test_a_call_that_runs_no_command_does_not_import_the_sdk_of_aws(arguments: list[str]) -> None:
    code = f"""
import sys
sys.argv = ["ftask", *{arguments!r}]
from ftask.cli import main
try:
    main()
except SystemExit:
    pass
assert "boto3" not in sys.modules and "botocore" not in sys.modules
"""
    run(code, ROOT)


@pytest.mark.parametrize(("arguments", "imported"), [(["--version"], set()), (["get", "--help"], {"ftask.cli.get"})])
def test_a_call_imports_no_command_but_its_own(arguments: list[str], imported: set[str]) -> None:
    code = f"""
import sys
sys.argv = ["ftask", *{arguments!r}]
from ftask.cli import MODULES, main
try:
    main()
except SystemExit:
    pass
assert sys.modules.keys() & set(MODULES.values()) == {imported!r}
"""
    run(code, ROOT)
