from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from botocore.loaders import Loader

from ftask.aws.target import Target
from ftask.core.service_models import PlainFiles, ServiceModels


@pytest.mark.parametrize("service", ["cloudformation", "dynamodb", "s3", "sqs"])
def test_a_model_is_the_one_that_botocore_reads(service: str) -> None:
    theirs = Loader()
    models = ServiceModels(file_loader=PlainFiles())
    for kind in ("service-2", "endpoint-rule-set-1", "paginators-1"):
        read = models.load_service_model(service, kind)
        assert read == theirs.load_service_model(service, kind)
    shapes = models.load_service_model(service, "service-2")["shapes"]
    assert list(shapes) == list(theirs.load_service_model(service, "service-2")["shapes"])


def test_the_folders_of_services_are_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    list_folder = os.listdir

    def note(folder: str) -> list[str]:
        listed.append(str(folder))
        return list_folder(folder)

    monkeypatch.setattr(os, "listdir", note)
    ServiceModels().load_service_model("sqs", "service-2")
    assert len(listed) <= 3


def test_models_of_the_users_own_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Loader().load_service_model("sts", "service-2")
    model["metadata"] |= {"endpointPrefix": "own"}
    folder = tmp_path / "models" / "sts" / "2099-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(model))
    monkeypatch.setenv("AWS_DATA_PATH", f"{tmp_path / 'missing'}{os.pathsep}{tmp_path / 'models'}")
    target = Target("prod", None, "eu-west-1", "http://127.0.0.1:1", "key", "secret")
    assert target.sts.meta.service_model.endpoint_prefix == "own"
