"""The Django example: its page enqueues, a worker of the stage runs the task, and its page shows the result."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from tests.support.cli import Cli
from tests.support.waiting import until

pytestmark = pytest.mark.engine

EXAMPLE = Path(__file__).parents[1] / "examples" / "django"
STAGE = "local-django"


@pytest.fixture(scope="module")
def project(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The example in a folder of its own, deployed to a stage of its own."""
    folder = tmp_path_factory.mktemp("example") / "django"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    project = replace(cli, folder=folder, environment=cli.environment | {"FTASK_STAGE": STAGE})
    done = project("deploy", "--yes")
    assert done.code == 0, done.err
    return project


@pytest.fixture(scope="module")
def site(project: Cli) -> Iterator[httpx2.Client]:
    """The example's web server, as `manage.py runserver` starts it."""
    command = [sys.executable, "-u", "manage.py", "runserver", "--noreload", "127.0.0.1:0"]
    with subprocess.Popen(
        command, cwd=project.folder, env=project.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as server:
        assert server.stdout is not None
        address = next(found[0] for line in server.stdout if (found := re.search(rb"http://[\d.:]+", line)))
        with httpx2.Client(base_url=address.decode(), follow_redirects=True) as client:
            yield client
        server.terminate()
        server.stdout.read()


def enqueue(site: httpx2.Client, name: str) -> str:
    """Fill the form in; return the page of the result."""
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', site.get("/").text)
    assert token is not None
    page = site.post("/", data={"csrfmiddlewaretoken": token[1], "name": name, "delay": "0"})
    assert page.status_code == 200, page.text.partition("</table>")[0]
    return str(page.url)


def test_the_page_of_a_task_shows_its_result(site: httpx2.Client) -> None:
    page = enqueue(site, "Ada")
    until(lambda: "SUCCESSFUL" in site.get(page).text, "the page shows that the task has ended")
    assert "Hello Ada, at attempt 1" in site.get(page).text
    assert site.get("/results/unknown/").status_code == 404


def test_operators_find_a_failed_task_by_its_path(site: httpx2.Client, project: Cli) -> None:
    page = enqueue(site, "")
    until(lambda: "ValueError: Nobody to greet." in site.get(page).text, "the page shows the error of an attempt")
    task_id = page.rstrip("/").rpartition("/")[2]
    until(lambda: project("get", task_id, "-o", "json").json["status"] == "FAILED", "the last attempt has failed")
    (failed,) = project("dlq", "ls", "--type", "greetings.tasks.greet", "-o", "json").json
    assert (failed["taskId"], failed["attempts"]) == (task_id, 3)
    # In the background, where a traceback may be shown.
    logged, _ = project.start("logs", "--task", task_id).communicate(timeout=60)
    assert "path=greetings.tasks.greet state=RUNNING" in logged
    assert 'raise ValueError("Nobody to greet.")' in logged
