"""The remembered URL of a stage's API: whose it is, for how long, and what happens if it is an old one."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ftask.aws.api import ApiClient
from ftask.aws.stack import StackNotFoundError
from ftask.aws.target import Target
from ftask.client.errors import ApiConnectionError, ApiError, UnknownTaskError
from ftask.client.requests import TaskRequest
from ftask.core.errors import FtaskError
from ftask.home.cache import MAX_URL_AGE_SECONDS, KnownUrl
from tests.support.fake_http import Reply, accepted, fake_client
from tests.support.ownership import give_to_another_user

TARGET = Target("prod", None, "eu-west-1", None, "key", "secret")
URL = "https://old.example.org/v1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "stages"


@pytest.mark.parametrize(
    "change",
    [
        {"stage_name": "test"},
        {"region": "eu-west-2"},
        {"endpoint_url": "http://127.0.0.1:4566"},
        # Of another account, or of an engine that has begun anew.
        {"access_key": "another"},
    ],
    ids=str,
)
def test_a_url_is_remembered_for_one_stage_region_endpoint_and_account(change: dict[str, Any]) -> None:
    assert KnownUrl(TARGET).read() is None
    assert KnownUrl(TARGET).remember(URL) == URL
    assert KnownUrl(TARGET).read() == URL
    assert KnownUrl(replace(TARGET, **change)).read() is None


def test_only_its_user_can_read_what_is_remembered(folder: Path) -> None:
    KnownUrl(TARGET).remember(URL)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "secret" not in file.read_text()


def test_a_url_is_forgotten_after_a_day(folder: Path) -> None:
    KnownUrl(TARGET).remember(URL)
    (file,) = folder.iterdir()
    written = file.stat().st_mtime
    assert KnownUrl(TARGET, lambda: written + MAX_URL_AGE_SECONDS - 1).read() == URL
    assert KnownUrl(TARGET, lambda: written + MAX_URL_AGE_SECONDS + 1).read() is None
    # A clock that went back says nothing about the age.
    assert KnownUrl(TARGET, lambda: written - MAX_URL_AGE_SECONDS - 1).read() is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"apiUrl": 5}', b"\xff", b'{"other": "x"}'])
def test_a_damaged_file_is_no_url(folder: Path, content: bytes) -> None:
    KnownUrl(TARGET).remember(URL)
    (file,) = folder.iterdir()
    file.write_bytes(content)
    assert KnownUrl(TARGET).read() is None
    assert KnownUrl(TARGET).remember(URL) == URL
    assert KnownUrl(TARGET).read() == URL


def test_what_another_user_left_there_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    KnownUrl(TARGET).remember(URL)
    (file,) = folder.iterdir()
    give_to_another_user(file, monkeypatch)
    assert KnownUrl(TARGET).read() is None


def test_a_folder_that_cannot_be_used_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    known = KnownUrl(TARGET)
    assert known.remember(URL) == URL
    assert known.read() is None


class Stack:
    """A stack whose API has moved from `api.example.org` to another host, or has not, or that is gone."""

    def __init__(self, url: str | None = "https://new.example.org") -> None:
        self.url = url
        self.looks = 0

    def find_url(self) -> str:
        self.looks += 1
        if self.url is None:
            raise StackNotFoundError("gone")
        return self.url


def client_of(stack: Stack, old: Callable[[], Reply | None], new: Reply | None = None) -> tuple[ApiClient, list[str]]:
    """A client that begins at the old URL, and the paths that it called; those of the new URL are whole URLs."""

    def reply(path: str, body: Any) -> Reply | None:
        return new if path.startswith("https://new.") else old()

    client, http, _ = fake_client(reply)
    client.find_url = stack.find_url
    paths: list[str] = []
    send = http.send

    def note(request: Any) -> Any:
        paths.append(request.url.removeprefix("https://api.example.org"))
        return send(request)

    http.send = note  # type: ignore[method-assign]
    return client, paths


@pytest.mark.parametrize(
    "old", [Reply(403, {"message": "Forbidden"}), Reply(404, {"message": "Not Found"}), Reply(500), None]
)
def test_an_old_url_is_found_out_by_the_first_request_that_fails(old: Reply | None) -> None:
    stack = Stack()
    client, paths = client_of(stack, lambda: old, Reply(202, accepted(7)))
    assert client.submit(TaskRequest("{}", "key")).task_id == f"{7:032x}"
    assert paths == ["/tasks", "https://new.example.org/tasks"]
    assert client.submit(TaskRequest("{}", "key")).task_id == f"{7:032x}"
    assert (len(paths), stack.looks) == (3, 1)


def test_an_answer_that_is_not_of_this_api_is_asked_for_at_the_right_url() -> None:
    client, _ = client_of(Stack(), lambda: Reply(200, ["another program"]), Reply(200, {"taskId": "a"}))
    assert client.get("a") == {"taskId": "a"}


def test_a_stack_that_is_gone_is_what_is_said() -> None:
    client, _ = client_of(Stack(None), lambda: Reply(404, {"message": "Not Found"}))
    with pytest.raises(StackNotFoundError):
        client.get("a")


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        (Reply(404, {"detail": "no such task"}), UnknownTaskError),
        (Reply(401, {}), ApiError),
        (None, ApiConnectionError),
    ],
)
def test_a_failure_at_the_right_url_is_said_after_one_look(old: Reply | None, expected: type[FtaskError]) -> None:
    stack = Stack("https://api.example.org")
    client, _ = client_of(stack, lambda: old)
    for _ in range(2):
        with pytest.raises(expected):
            client.get("a")
    assert stack.looks == 1


@pytest.mark.parametrize("status", [400, 413, 415, 422, 429])
def test_what_the_api_answers_about_a_task_needs_no_look(status: int) -> None:
    stack = Stack()
    client, _ = client_of(stack, lambda: Reply(status, {"detail": "no"}))
    with pytest.raises(ApiError):
        client.submit(TaskRequest("{}", "key"))
    assert stack.looks == 0


def test_without_a_folder_for_it_nothing_is_left_behind(folder: Path) -> None:
    KnownUrl(TARGET).remember(URL)
    KnownUrl(TARGET).forget()
    KnownUrl(TARGET).forget()
    assert list(folder.iterdir()) == []
