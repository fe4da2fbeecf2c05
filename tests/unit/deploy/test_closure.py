"""Which modules of ftask an archive gets."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from ftask.deploy.closure import closure


def modules(folder: Path, sources: dict[str, str], leave_out: tuple[str, ...] = ()) -> set[str]:
    """What is found from `ftask.root` in a package of these files."""
    for name, source in {"__init__": "", **sources}.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))

    def find(module: str) -> Path | None:
        parts = module.split(".")[1:]
        path = folder.joinpath(*parts)
        return next((found for found in (path / "__init__.py", path.with_suffix(".py")) if found.is_file()), None)

    return set(closure(["ftask.root"], find, leave_out))


def test_each_way_to_import_a_module_is_followed(tmp_path: Path) -> None:
    found = modules(
        tmp_path,
        {
            "root": """
                import json
                import ftask.plain
                from ftask.named import value
                from ftask import member
                def late():
                    if True:
                        from ftask.package import inner
            """,
            "plain": "from ftask.further import x",
            "further": "import ftask.root",
            "named": "value = 1",
            "member": "",
            "package/__init__": "",
            "package/inner": "",
            "unused": "",
        },
    )
    used = {"root", "plain", "further", "named", "member", "package", "package.inner"}
    assert found == {"ftask", *(f"ftask.{name}" for name in used)}


def test_what_only_a_type_checker_imports_is_no_part_of_it(tmp_path: Path) -> None:
    source = """
        if TYPE_CHECKING:
            from ftask.types import T
        else:
            import ftask.other
    """
    assert modules(tmp_path, {"root": source, "types": "", "other": ""}) == {"ftask", "ftask.root", "ftask.other"}


def test_what_is_left_out_is_not_looked_into(tmp_path: Path) -> None:
    sources = {"root": "from ftask.tasks import a", "tasks/a": "import ftask.deep", "tasks/__init__": "", "deep": ""}
    assert modules(tmp_path, sources, ("ftask.tasks",)) == {"ftask", "ftask.root"}
