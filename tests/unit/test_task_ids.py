from __future__ import annotations

import os
from pathlib import Path

import pytest

from ftask.core.errors import InvalidInputError
from ftask.home.cache import CACHE_DIR_VARIABLE, MOST_IDS, recent_ids, remember_ids
from ftask.ops.task_ids import find_shown, normalize_id
from ftask.render.texts import shorten

ONE, TWO, THREE = "a" * 32, "a" * 9 + "b" * 23, "c" * 32


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_DIR_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_ids_are_shown_by_eight_digits_or_as_many_as_tell_them_apart() -> None:
    assert shorten([THREE]) == {THREE: "cccccccc"}
    assert shorten([ONE, TWO, THREE, ONE]) == {ONE: "a" * 10, TWO: "aaaaaaaaab", THREE: "c" * 10}
    assert shorten([]) == {}


@pytest.mark.parametrize("text", [ONE, ONE.upper(), f" {ONE}\n", "aaaaaaaa", "aaaaaaaa…", "a"])
def test_an_id_is_taken_as_it_is_shown(text: str) -> None:
    assert ONE.startswith(normalize_id(text))


@pytest.mark.parametrize("text", ["nope", "a" * 33, "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "…", "a*"])
def test_what_is_no_id_is_a_wrong_call(text: str) -> None:
    with pytest.raises(InvalidInputError, match="Invalid task id"):
        normalize_id(text)


def test_an_id_that_was_shown_is_found_by_the_digits_that_were_shown() -> None:
    recent = [ONE, TWO, THREE]
    assert find_shown("c" * 8, recent) == THREE
    assert find_shown("a" * 10, recent) == ONE
    # Too few to be sure that no other task is meant, and too few to tell two apart.
    assert find_shown("c" * 7, recent) is None
    assert find_shown("a" * 8, recent) is None
    assert find_shown("d" * 8, recent) is None


def test_the_ids_of_a_stage_are_remembered_newest_first(cache: Path) -> None:
    assert recent_ids("prod") == []
    remember_ids("prod", [ONE, TWO])
    remember_ids("prod", [THREE, ONE])
    assert recent_ids("prod") == [THREE, ONE, TWO]
    assert recent_ids("dev") == []
    (file,) = (cache / "recent-tasks").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    remember_ids("prod", (f"{number:032x}" for number in range(2 * MOST_IDS)))
    assert recent_ids("prod")[:: MOST_IDS - 1] == [f"{0:032x}", f"{MOST_IDS - 1:032x}"]


def test_the_file_of_another_user_is_not_believed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remember_ids("prod", [ONE])
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert recent_ids("prod") == []


def test_a_cache_that_cannot_be_used_is_no_error(cache: Path) -> None:
    cache.write_text("a file, not a folder")
    remember_ids("prod", [ONE])
    assert recent_ids("prod") == []
    cache.unlink()
    (cache / "recent-tasks").mkdir(parents=True)
    (cache / "recent-tasks" / "prod").write_bytes(f"{ONE}\nrubbish\n".encode())
    assert recent_ids("prod") == [ONE]
    (cache / "recent-tasks" / "prod").write_bytes(b"\xff\xfe")
    assert recent_ids("prod") == []
