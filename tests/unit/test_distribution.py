"""What is said about the distribution: hints name the right one, and the other product of that name is reported."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ftask import __version__, distribution
from ftask.cli import app
from ftask.distribution import missing_extra, namesake_warning

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_the_name_is_that_of_the_project() -> None:
    assert PROJECT["name"] == distribution.NAME
    assert set(PROJECT["scripts"]) == {"ftask"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages that holds this distribution."""
    (tmp_path / "ftask_aws-0.1.0.dist-info").mkdir()
    return tmp_path


@pytest.mark.parametrize("extra", sorted(PROJECT["optional-dependencies"]))
def test_a_hint_installs_an_extra_of_this_distribution(extra: str, site: Path) -> None:
    assert missing_extra(extra, site) == f'Install it with: pip install "ftask-aws[{extra}]"'
    assert namesake_warning(site) is None


def test_the_other_product_is_named_where_it_is_installed(site: Path) -> None:
    (site / "ftask-0.2.0.dist-info").mkdir()
    warning = namesake_warning(site)
    assert warning is not None
    assert "ftask 0.2.0" in warning
    assert "another product" in warning
    hint = missing_extra("local", site)
    assert hint.startswith(warning)
    assert "pip uninstall ftask ftask-aws" in hint
    assert '"ftask-aws[local]"' in hint


def test_only_one_module_names_an_extra_to_install() -> None:
    package = Path(distribution.__file__).parent
    # An extra of botocore is not one of ours, and no other product shares its name.
    of_botocore = 'pip install "botocore[crt]"'
    naming = {path.name for path in package.rglob("*.py") if "pip install" in path.read_text().replace(of_botocore, "")}
    assert naming == {"distribution.py"}


def test_the_version_names_the_distribution() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"ftask-aws {__version__}\n"
