from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from ftask.core.errors import FtaskError
from ftask.deploy.requirements import Requirements, read_requirements
from tests.support.wheels import make_wheel


def read(folder: Path, text: str) -> Requirements:
    file = folder / "requirements.txt"
    file.write_text(text)
    return read_requirements(file)


def roots(requirements: Requirements) -> list[Requirement]:
    assert requirements.roots is not None
    return list(requirements.roots)


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
    assert roots(read(tmp_path, text)) == [
        Requirement(line)
        for line in (
            "httpx[http2]>=0.28",
            "six==1.17.0",
            'tomli; python_version < "3.11"',
            "idna",
            "wheels@ https://example.invalid/wheels-1-py3-none-any.whl",
            'local-one; sys_platform == "linux"',
        )
    ]


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
    assert roots(before) == [Requirement("httpx")]
    (tmp_path / "limits.txt").write_text("idna<3\n")
    assert read(tmp_path, text).fingerprint != before.fingerprint
    assert read(tmp_path, "-r limits.txt\nhttpx\n").fingerprint != read(tmp_path, text).fingerprint


@pytest.mark.parametrize("line", ["./folder", "git+https://example.invalid/x.git", "./some-1.0.tar.gz"])
def test_a_location_that_does_not_tell_its_name_leaves_the_requirements_unknown(tmp_path: Path, line: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "some-1.0.tar.gz").write_bytes(b"")
    assert read(tmp_path, f"httpx\n{line}\n").roots is None


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
