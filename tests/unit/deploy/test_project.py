from __future__ import annotations

from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.project import open_project, project_files


def write(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def names(root: Path, module: str, *include: str) -> list[str]:
    return list(project_files(open_project(root, module, include=include)))


def test_a_module_ships_alone_whatever_lies_next_to_it(tmp_path: Path) -> None:
    write(tmp_path, "tasks.py", "ftask.toml", ".env", "credentials.json", "other.py", "tests/test_tasks.py")
    assert names(tmp_path, "tasks") == ["tasks.py"]


def test_a_package_ships_its_python_files_and_no_data(tmp_path: Path) -> None:
    write(
        tmp_path,
        "shop/__init__.py",
        "shop/tasks.py",
        "shop/deep/er.py",
        "shop/key.pem",
        "shop/.hidden/x.py",
        "shop/__pycache__/tasks.cpython-313.pyc",
    )
    assert names(tmp_path, "shop") == ["shop/__init__.py", "shop/deep/er.py", "shop/tasks.py"]
    assert names(tmp_path, "shop.tasks") == names(tmp_path, "shop")


def test_include_patterns_add_what_they_select(tmp_path: Path) -> None:
    write(tmp_path, "tasks.py", "helpers.py", "templates/a.html", "templates/mail/b.html", "templates/secret.txt")
    assert names(tmp_path, "tasks", "templates/**/*.html", "helpers.py") == [
        "helpers.py",
        "tasks.py",
        "templates/a.html",
        "templates/mail/b.html",
    ]


def test_a_wildcard_selects_hidden_files_only_where_it_has_their_dot(tmp_path: Path) -> None:
    write(tmp_path, "tasks.py", "data/a.json", "data/.env", "data/.git/config", "data/__pycache__/a.json")
    assert names(tmp_path, "tasks", "data/**/*") == ["data/a.json", "tasks.py"]
    assert names(tmp_path, "tasks", "data/.e*") == ["data/.env", "tasks.py"]


@pytest.mark.parametrize("pattern", ["**/*", "*", "*.toml"])
def test_a_pattern_that_selects_the_whole_folder_is_refused(tmp_path: Path, pattern: str) -> None:
    write(tmp_path, "tasks.py", "ftask.toml")
    with pytest.raises(FtaskError, match="selects the whole folder"):
        names(tmp_path, "tasks", pattern)


@pytest.mark.parametrize("pattern", ["../*.html", "/etc/passwd", "a/../../b", ""])
def test_a_pattern_that_leaves_the_folder_is_refused(tmp_path: Path, pattern: str) -> None:
    write(tmp_path, "tasks.py")
    with pytest.raises(FtaskError, match="leaves the folder"):
        names(tmp_path, "tasks", pattern)


def test_a_pattern_that_selects_nothing_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "tasks.py", "templates/readme.txt")
    with pytest.raises(FtaskError, match=r"'templates/\*\.html'.*selects no file"):
        names(tmp_path, "tasks", "templates/*.html")


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("tasks", "has neither tasks.py nor tasks/__init__.py"),
        ("shop.invoices", "does not contain it"),
        ("../tasks", "expected the name of a module"),
        ("tasks.py", "does not exist"),
        ("", "expected the name of a module"),
        ("json", "standard library already has"),
        ("ftask", "ftask already has"),
        ("both", "ambiguous"),
    ],
)
def test_a_module_that_cannot_be_shipped_is_refused(tmp_path: Path, module: str, says: str) -> None:
    write(tmp_path, "shop/__init__.py", "both.py", "both/__init__.py")
    with pytest.raises(FtaskError, match=says):
        open_project(tmp_path, module)


def test_a_symbolic_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", "secret.py", "__init__.py", "page.html")
    project = write(tmp_path / "project", "tasks.py")
    (project / "linked.py").symlink_to(outside / "secret.py")
    (project / "page.html").symlink_to(outside / "page.html")
    (project / "package").symlink_to(outside)
    for module, include in (("linked", ()), ("package", ()), ("tasks", ("*.html",)), ("tasks", ("package/*.html",))):
        with pytest.raises(FtaskError, match="symbolic link out of the project"):
            names(project, module, *include)


def test_a_link_within_the_folder_is_followed_to_a_file_and_not_to_a_folder(tmp_path: Path) -> None:
    write(tmp_path, "shared/common.py", "shop/__init__.py")
    (tmp_path / "shop" / "common.py").symlink_to(tmp_path / "shared" / "common.py")
    assert names(tmp_path, "shop") == ["shop/__init__.py", "shop/common.py"]
    (tmp_path / "shop" / "shared").symlink_to(tmp_path / "shared")
    with pytest.raises(FtaskError, match="shop/shared is a symbolic link to a folder"):
        names(tmp_path, "shop")


@pytest.mark.parametrize("setting", ["requirements", "policy"])
def test_a_file_that_is_named_must_exist(tmp_path: Path, setting: str) -> None:
    write(tmp_path, "tasks.py", "there.txt")
    with pytest.raises(FtaskError, match=f"Invalid `{setting}` under .tasks.: 'missing.txt' does not exist"):
        open_project(tmp_path, "tasks", **{setting: "missing.txt"})  # type: ignore[arg-type]
    project = open_project(tmp_path, "tasks", **{setting: "there.txt"})  # type: ignore[arg-type]
    assert getattr(project, setting) == tmp_path.resolve() / "there.txt"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("log-level", "use letters, digits and underscores"),
        ("", "use letters, digits and underscores"),
        ("AWS_REGION", "begin with AWS_ belong to AWS Lambda and ftask"),
        ("FTASK_TABLE", "begin with FTASK_ belong"),
        ("_HANDLER", "begin with _ belong"),
        ("PYTHONHASHSEED", "read it when a process starts"),
        ("LD_PRELOAD", "read it when a process starts"),
    ],
)
def test_a_variable_that_cannot_be_set_is_refused(tmp_path: Path, name: str, says: str) -> None:
    write(tmp_path, "tasks.py")
    with pytest.raises(FtaskError, match=f"Invalid environment variable '{name}' under .tasks.: .*{says}"):
        open_project(tmp_path, "tasks", environment={name: "x"})


SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:stripe-AbCdEf"
PARAMETER = "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/shop/stripe"


@pytest.mark.parametrize("arn", ["stripe", "arn:aws:s3:::bucket", f"{SECRET}*", "arn:aws:ssm:eu:1:parameter/x"])
def test_what_is_not_the_arn_of_a_secret_is_refused(tmp_path: Path, arn: str) -> None:
    write(tmp_path, "tasks.py")
    with pytest.raises(FtaskError, match=r"Invalid secret KEY = .* expected the ARN of a secret"):
        open_project(tmp_path, "tasks", secrets={"KEY": arn})


def test_a_secret_is_kept_by_the_name_of_its_variable(tmp_path: Path) -> None:
    write(tmp_path, "tasks.py")
    secrets = {"KEY": SECRET, "OTHER": PARAMETER}
    assert open_project(tmp_path, "tasks", secrets=secrets).secrets == secrets
    with pytest.raises(FtaskError, match="'KEY' is both an environment variable and a secret"):
        open_project(tmp_path, "tasks", secrets=secrets, environment={"KEY": "x"})
