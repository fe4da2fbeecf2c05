from __future__ import annotations

from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.requirements import Requirements, read_requirements, requires, settings_of_uv
from tests.support.wheels import make_wheel


def read(folder: Path, text: str) -> Requirements:
    file = folder / "requirements.txt"
    file.write_text(text)
    return read_requirements(file)


def test_requirements_are_read_as_pip_reads_them(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("idna\n")
    (tmp_path / "limits.txt").write_text("anyio<5\n")
    make_wheel(tmp_path, "local_one", "2.0")
    text = """\
# a comment
--index-url https://example.invalid/simple
httpx[http2]>=0.28  # another
six==1.17.0 \\
    --hash=sha256:1 \\
    --hash=sha256:2
tomli; python_version < "3.11"
-r base.txt
-climits.txt
wheels @ https://example.invalid/wheels-1-py3-none-any.whl
./local_one-2.0-py3-none-any.whl ; sys_platform == "linux"
"""
    requirements = read(tmp_path, text)
    assert requirements.names == {"httpx", "six", "tomli", "idna", "wheels", "local-one"}
    assert not requirements.sources


def test_the_fingerprint_changes_with_what_is_installed_and_with_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("idna==3.10\n")
    wheel = make_wheel(tmp_path / "wheels", "local")
    text = "-r base.txt\n--find-links wheels\n./wheels/local-1.0-py3-none-any.whl\nhttpx\n"
    before = read(tmp_path, text).fingerprint
    assert read(tmp_path, f"# why\n\n{text.replace('httpx', 'httpx  # because')}").fingerprint == before
    assert read(tmp_path, text.replace("httpx", "httpx==1")).fingerprint != before
    (tmp_path / "base.txt").write_text("idna==3.11\n")
    changed = read(tmp_path, text).fingerprint
    assert changed != before
    wheel.write_bytes(wheel.read_bytes()[::-1])
    rebuilt = read(tmp_path, text).fingerprint
    assert rebuilt != changed
    make_wheel(tmp_path / "wheels", "another")
    assert read(tmp_path, text).fingerprint != rebuilt


def test_a_constraint_is_no_requirement_and_counts_in_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "limits.txt").write_text("idna<4\n")
    text = "-c limits.txt\nhttpx\n"
    before = read(tmp_path, text)
    assert before.names == {"httpx"}
    (tmp_path / "limits.txt").write_text("idna<3\n")
    assert read(tmp_path, text).fingerprint != before.fingerprint
    assert read(tmp_path, "-r limits.txt\nhttpx\n").fingerprint != read(tmp_path, text).fingerprint


def test_what_is_built_here_is_what_the_user_gives_the_place_of(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "some-1.0.tar.gz").write_bytes(b"")
    unnamed = ("./folder", "git+https://example.invalid/x.git", "./some-1.0.tar.gz")
    text = "\n".join(["httpx", *unnamed, "Lib.A @ ./folder", "b @ git+https://example.invalid/b@main"])
    requirements = read(tmp_path, text)
    assert requirements.unnamed == unnamed
    assert requirements.sources == {"lib-a", "b"}


def test_a_changed_source_file_changes_the_fingerprint_and_what_a_build_leaves_does_not(tmp_path: Path) -> None:
    source = tmp_path / "lib" / "src"
    source.mkdir(parents=True)
    (source / "a.py").write_text("A = 1")
    before = read(tmp_path, "./lib\n").fingerprint
    for left in ("build", "a.egg-info", ".venv", "__pycache__"):
        (tmp_path / "lib" / left).mkdir()
        (tmp_path / "lib" / left / "file").write_text("")
    assert read(tmp_path, "./lib\n").fingerprint == before
    (source / "a.py").write_text("A = 2")
    assert read(tmp_path, "./lib\n").fingerprint != before


@pytest.mark.parametrize("name", ["poetry.lock", "Pipfile.lock"])
def test_the_lock_of_another_tool_is_refused_with_the_command_that_exports_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    with pytest.raises(FtaskError, match=name) as caught:
        read_requirements(tmp_path / name)
    assert "requirements.txt" in (caught.value.hint or "")


def test_settings_of_uv_are_what_chooses_versions_and_no_credentials(tmp_path: Path) -> None:
    (tmp_path / "limits.txt").write_text("idna<4")
    environment = {"HOME": str(tmp_path), "UV_CONSTRAINT": "limits.txt", "UV_INDEX_A_PASSWORD": "secret", "PATH": "/"}
    before = settings_of_uv(tmp_path, environment)
    assert "secret" not in str(before)
    (tmp_path / "limits.txt").write_text("idna<3")
    limited = settings_of_uv(tmp_path, environment)
    assert limited != before
    assert settings_of_uv(tmp_path, environment | {"UV_EXCLUDE_NEWER": "2026-01-01"}) != limited
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\n[tool.uv]\nconstraint-dependencies = ["a<2"]\n')
    assert settings_of_uv(tmp_path / "below", environment) != limited


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("httpx\nfoo bar baz\n", 2, "'foo bar baz'"),
        ("httpx\n\n# x\nsix \\\n >= zz\nidna", 4, "six"),
        ("httpx>=\n", 1, "httpx>="),
        ("-r missing.txt\n", 1, "missing.txt does not exist"),
        ("six\n-e ./package\n", 2, "editable"),
        ("-r requirements.txt\n", 1, "includes itself"),
        ("six\n./wheels/missing-1-py3-none-any.whl\n", 2, "missing-1-py3-none-any.whl does not exist"),
        ("missing @ file:///wheels/missing-1-py3-none-any.whl\n", 1, "does not exist"),
    ],
)
def test_an_invalid_line_is_named_with_its_file_and_number(tmp_path: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(FtaskError, match=rf"requirements\.txt, line {line}: ") as caught:
        read(tmp_path, text)
    assert says in caught.value.message


def test_a_line_of_an_included_file_is_named_with_that_file(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("six\n?\n")
    with pytest.raises(FtaskError, match=r"base\.txt, line 2"):
        read(tmp_path, "-r base.txt\n")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"httpx\xff\xfe")
    with pytest.raises(FtaskError, match="is not UTF-8"):
        read_requirements(tmp_path / "requirements.txt")


def test_what_is_required_in_turn_counts_as_required(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text("# none\n")
    assert not requires(file, "annotated-types")
    file.write_text("pydantic>=2\nnot-installed\n-c limits.txt\n")
    (tmp_path / "limits.txt").write_text("")
    assert requires(file, "annotated-types")
    assert not requires(file, "uv")
    assert not requires(None, "pydantic")


def test_a_lock_tells_what_its_project_requires_without_groups(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "uv.lock").write_text(
        '[[package]]\nname = "shop"\nsource = { virtual = "." }\ndependencies = [{ name = "fastapi" }]\n'
        '[package.dev-dependencies]\ndev = [{ name = "pytest" }]\n'
        '[[package]]\nname = "fastapi"\ndependencies = [{ name = "pydantic" }]\n'
        '[[package]]\nname = "pydantic"\n[[package]]\nname = "pytest"\n'
    )
    found = {name: requires(tmp_path / "uv.lock", name) for name in ("fastapi", "pydantic", "pytest")}
    assert found == {"fastapi": True, "pydantic": True, "pytest": False}
