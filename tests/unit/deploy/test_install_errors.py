# ruff: noqa: E501 - the lines are the tools'
"""What uv 0.13 prints, word for word but for addresses, and what ftask makes of it."""

from __future__ import annotations

import pytest

from ftask.deploy.installers import explain
from ftask.deploy.platforms import LAMBDA

UV = {
    "a wheel": """\
error: Failed to determine installation plan
  cause: A path (wheels/x-1-cp313-cp313-linux_x86_64.whl) dependency is incompatible with the current platform
  hint: The wheel is compatible with Linux (`linux_x86_64`), but you're on Linux (`manylinux_2_34_aarch64`)""",
    "source only": """\
error: No solution found when resolving dependencies
  cause: Because docopt==0.6.2 has no usable wheels and you require docopt==0.6.2, we can conclude that your requirements are unsatisfiable.

hint: Wheels are required for `docopt` because building from source is disabled for all packages (i.e., with `--no-build`)""",
    "source only, all versions": """\
error: No solution found when resolving dependencies
  cause: Because all versions of docopt have no usable wheels and you require docopt, we can conclude that your requirements are unsatisfiable.""",
    "another Python": """\
error: No solution found when resolving dependencies
  cause: Because tensorflow==2.0.0 has no wheels with a matching Python ABI tag (e.g., `cp313`) and you require tensorflow==2.0, we can conclude that your requirements are unsatisfiable.""",
    "another platform": """\
error: No solution found when resolving dependencies
  cause: Because pywin32<=306 has no wheels with a matching Python ABI tag (e.g., `cp313`) and only the following versions of pywin32 are available:
             pywin32<=306
             pywin32>=307
         we can conclude that pywin32<307 cannot be used.
         And because pywin32>=307 has no wheels with a matching platform tag (e.g., `manylinux_2_34_aarch64`) and you require pywin32, we can conclude that your requirements are unsatisfiable.""",
    "a folder": "error: Building source distributions is disabled, but attempted to build `loc`",
    "unknown": """\
error: No solution found when resolving dependencies
  cause: Because no-such-thing was not found in the package registry and you require no-such-thing, we can conclude that your requirements are unsatisfiable.""",
    "no version": """\
error: No solution found when resolving dependencies
  cause: Because there is no version of httpx==99 and you require httpx==99, we can conclude that your requirements are unsatisfiable.""",
    "conflict": """\
error: No solution found when resolving dependencies
  cause: Because you require idna<3 and idna>3, we can conclude that your requirements are unsatisfiable.""",
    "refused": """\
error: Request failed after 3 retries in 9.4s
  cause: Failed to fetch: http://127.0.0.1:9/simple/pydantic/
  cause: error sending request for url (http://127.0.0.1:9/simple/pydantic/)
  cause: client error (Connect)
  cause: tcp connect error
  cause: Connection refused (os error 111)""",
    "other": "error: Distribution not found at: file:///home/a/nothing.whl",
}


@pytest.mark.parametrize(
    ("output", "says"),
    [
        pytest.param(
            UV["source only"], "docopt==0.6.2 has no wheel for Python 3.13 on Linux aarch64", id="source-only"
        ),
        pytest.param(UV["source only, all versions"], "docopt has no wheel for", id="source-only-all"),
        pytest.param(UV["another Python"], "tensorflow==2.0.0 has no wheel for", id="another-python"),
        pytest.param(UV["another platform"], "pywin32 has no wheel for", id="another-platform"),
        pytest.param(UV["a folder"], "loc has no wheel for", id="folder"),
        pytest.param(UV["a wheel"], "The wheel wheels/x-1-cp313-cp313-linux_x86_64.whl is not for", id="wheel"),
        pytest.param(UV["unknown"], "The package index does not know no-such-thing.", id="unknown"),
        pytest.param(UV["no version"], "no version that satisfies httpx==99", id="no-version"),
        pytest.param(UV["conflict"], "The requirements contradict each other.", id="conflict"),
        pytest.param(UV["refused"], "Cannot reach the package index", id="network"),
        pytest.param(UV["other"], "Cannot install the requirements.", id="other"),
    ],
)
def test_a_failed_installation_is_explained_and_keeps_the_last_lines(output: str, says: str) -> None:
    lines = output.splitlines()
    error = explain(lines, LAMBDA)
    assert says in error.message.partition("\n")[0]
    assert error.message.endswith(lines[-1])
    assert error.hint


def test_a_long_output_is_cut_to_its_end() -> None:
    error = explain([f"line {number}" for number in range(100)], LAMBDA)
    assert "line 99" in error.message
    assert "line 50" not in error.message
    assert len(error.message.splitlines()) < 20
