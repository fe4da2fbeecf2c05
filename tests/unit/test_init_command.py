"""`ftask init`: the project that it writes works, and what was there before stays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode.cfn_yaml import loads
from typer.testing import CliRunner

from ftask.cli import app
from ftask.scaffold.project import FILES, package_source

TOOLS = Path(sys.executable).parent


def init(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["init", *arguments])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "new project"
    # The settings of a folder around it, like a clone of somebody else's, are not its own.
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--no-such-option"\n')
    assert init(str(folder)).exit_code == 0
    return folder


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TOOLS / command[0], *command[1:]], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        ("pytest", "-q", "-p", "no:cacheprovider"),
        ("ruff", "check", "--isolated", "--no-cache", "--select", "B,E,F,I,N,RUF,UP,W,C4,SIM,PTH", "."),
        ("ruff", "format", "--isolated", "--no-cache", "--check", "."),
        pytest.param(("mypy", "--strict", "--cache-dir", "/dev/null", "."), marks=pytest.mark.whole),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_the_project_passes_its_tests_and_linters(project: Path, command: tuple[str, ...]) -> None:
    done = run(project, *command)
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_tasks_run(project: Path) -> None:
    done = run(project, "ftask", "run", "greet", "name=Ada")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"text": "Hello, Ada!"})
    assert run(project, "ftask", "run", "nap").returncode == 0


def test_a_project_with_one_of_the_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("mine\n")
    done = init(str(tmp_path))
    assert done.exit_code == 1
    assert done.stderr == (
        f"Error: {tmp_path} already has tasks.py. Nothing was written.\n"
        "Move 1 file away, or choose another folder: ftask init DIR\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.py"]
    assert (tmp_path / "tasks.py").read_text() == "mine\n"


def test_a_repository_keeps_its_files_and_its_settings_of_pytest(tmp_path: Path) -> None:
    for name in (".gitignore", "requirements.txt"):
        (tmp_path / name).write_text("# mine\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n[tool.pytest.ini_options]\n")
    done = init(str(tmp_path), "-o", "json")
    kept = [".gitignore", "pytest.ini", "requirements.txt"]
    assert done.exit_code == 0
    written = json.loads(done.stdout)
    assert sorted(written["kept"]) == kept
    assert set(written["files"]) == FILES.keys() - set(kept)
    assert all((tmp_path / name).exists() for name in written["files"])
    assert (tmp_path / ".gitignore").read_text() == "# mine\n"
    assert not (tmp_path / "pytest.ini").exists()


def test_quiet_says_only_what_was_written(tmp_path: Path) -> None:
    done = init(str(tmp_path), "--quiet")
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
    assert "*.accepted" in (tmp_path / ".gitignore").read_text().split()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = init(str(tmp_path / "file"))
    assert done.exit_code == 1
    assert f"Error: Cannot write {tmp_path}/file/tasks.py: " in done.stderr


def test_it_names_what_it_wrote_and_the_next_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = init()
    assert all(name in done.stdout for name in FILES)
    assert [line.split("#")[0].strip() for line in done.stderr.splitlines()[1:]] == [
        "ftask run greet name=Ada",
        "pytest",
        "ftask dev",
    ]
    assert "  cd 'a b'\n" in init("a b").stderr
    assert json.loads(init("other", "-o", "json").stdout) == {
        "folder": str(tmp_path / "other"),
        "files": list(FILES),
        "kept": [],
    }


def test_the_settings_are_valid_and_the_policy_is_json(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ftask.cli.config_file import load_config

    monkeypatch.chdir(project)
    tasks = load_config().tasks
    assert tasks is not None
    assert (tasks.module, tasks.requirements, tasks.policy) == ("tasks", "requirements.txt", "policy.json")
    assert json.loads((project / "policy.json").read_text())["Statement"] == []


def workflow(project: Path) -> dict[str, Any]:
    read: dict[str, Any] = loads((project / ".github/workflows/ftask.yml").read_text())
    return read


def test_a_pull_request_gets_the_role_for_plans_and_only_a_push_to_main_the_one_that_deploys(project: Path) -> None:
    jobs = workflow(project)["jobs"]
    assert jobs["plan"]["if"].startswith("github.event_name == 'pull_request' && ")
    assert jobs["deploy"]["if"].startswith("github.event_name == 'push' && ")
    for job, command in (
        ("plan", "ftask deploy --stage prod --dry-run"),
        ("deploy", "ftask deploy --stage prod --yes"),
    ):
        text = json.dumps(jobs[job])
        assert f"vars.FTASK_{job.upper()}_ROLE" in text
        assert [step["run"] for step in jobs[job]["steps"] if "ftask" in step.get("run", "").split()] == [command]
    # What runs the tests of a pull request can take no role.
    assert "id-token" not in json.dumps(jobs["test"]) + json.dumps(workflow(project)["permissions"])


def test_every_job_installs_ftask_from_where_the_repository_says(project: Path) -> None:
    read = workflow(project)
    assert read["env"]["FTASK_PACKAGE"] == f"${{{{ vars.FTASK_PACKAGE || '{package_source()}' }}}}"
    installs = [
        step["run"] for job in read["jobs"].values() for step in job["steps"] if "pip install" in step.get("run", "")
    ]
    assert len(installs) == len(read["jobs"])
    assert all(line.startswith('pip install "$FTASK_PACKAGE" ') for line in installs)


def test_an_ftask_from_a_repository_is_installed_from_its_commit_elsewhere() -> None:
    record = {"url": "https://git.example/team/ftask", "vcs_info": {"vcs": "git", "commit_id": "abc123"}}
    assert package_source(json.dumps(record)) == "git+https://git.example/team/ftask@abc123"
    assert package_source(json.dumps({"url": "file:///home/me/ftask", "dir_info": {}})) == "ftask-aws"
