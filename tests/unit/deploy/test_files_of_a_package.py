from __future__ import annotations

import json
import zipfile
from pathlib import Path

from ftask.deploy.artifacts import write_package
from ftask.deploy.build import build_code
from ftask.deploy.platforms import host_platform

OVERRIDES = {"MaxAttempts": "4", "VpcSubnetIds": "subnet-1, subnet-2"}


def test_a_package_has_template_archives_and_parameters(tmp_path: Path) -> None:
    code = build_code(None, host_platform(), "eu-central-1")
    package = write_package(tmp_path / "dist", "ftask-prod", "template", code, OVERRIDES, "team-code")
    assert package.template.read_text() == "template"
    values = {entry["ParameterKey"]: entry["ParameterValue"] for entry in json.loads(package.parameters.read_text())}
    assert values == {
        "CodeBucket": "team-code",
        "CodeKey": f"ftask-prod/{code.api.sha256}.zip",
        "MaxAttempts": "4",
        "VpcSubnetIds": "subnet-1,subnet-2",
        "WorkerCodeKey": f"ftask-prod/{code.worker.sha256}.zip",
    }
    for archive, key in ((package.api_archive, "CodeKey"), (package.worker_archive, "WorkerCodeKey")):
        assert archive == tmp_path / "dist" / values[key]
    with zipfile.ZipFile(package.worker_archive) as members:
        assert "ftask/handlers/worker.py" in members.namelist()


def test_a_package_without_a_bucket_leaves_it_to_the_pipeline(tmp_path: Path) -> None:
    code = build_code(None, host_platform(), "eu-central-1")
    package = write_package(tmp_path, "ftask-prod", "", code, {})
    assert "CodeBucket" not in package.parameters.read_text()
