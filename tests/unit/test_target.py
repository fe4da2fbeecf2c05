from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.session import get_session

from ftask.aws.stack import command_on
from ftask.aws.target import Target
from ftask.core.timestamps import now


@pytest.mark.parametrize(
    ("endpoint_url", "is_emulated"),
    [
        (None, False),
        ("http://127.0.0.1:4566", True),
        ("https://localstack.example.org", True),
        ("https://vpce-0123456789abcdef0-abcdefgh.sqs.eu-west-1.vpce.amazonaws.com", False),
        ("https://sqs.cn-north-1.amazonaws.com.cn", False),
        ("https://dynamodb.us-east-1.api.aws", False),
        ("https://amazonaws.com.example.org", True),
    ],
)
def test_only_an_endpoint_outside_aws_is_an_emulator(endpoint_url: str | None, is_emulated: bool) -> None:
    target = Target("prod", region="eu-west-1", endpoint_url=endpoint_url)
    assert target.is_emulated is is_emulated
    assert target.choose(aws="AWS", emulator="emulator") == ("emulator" if is_emulated else "AWS")


def test_every_partition_that_the_sdk_knows_is_aws() -> None:
    partitions = get_session().get_component("data_loader").load_data("partitions")["partitions"]
    assert {"aws", "aws-cn", "aws-eusc", "aws-iso"} <= {partition["id"] for partition in partitions}
    for domain in (each["outputs"][kind] for each in partitions for kind in ("dnsSuffix", "dualStackDnsSuffix")):
        assert not Target("prod", region="r-1", endpoint_url=f"https://vpce-1.sqs.r-1.vpce.{domain}").is_emulated


def test_a_role_is_assumed_once_for_all_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(
        "[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/operator\nsource_profile = base\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assumed = 0

    def answer(**_: Any) -> Any:
        nonlocal assumed
        assumed += 1
        keys = {"AccessKeyId": f"key {assumed}", "SecretAccessKey": "s", "SessionToken": "t"}
        return SimpleNamespace(status_code=200), {"Credentials": keys | {"Expiration": now() + timedelta(hours=1)}}

    keys = []
    for _ in range(2):
        target = Target("prod", profile="role", region="eu-west-1")
        target.session.register("before-call.sts.AssumeRole", answer)
        keys.append(target.credentials().access_key)
    assert (assumed, keys) == (1, ["key 1", "key 1"])


@pytest.mark.parametrize(
    ("stage", "default", "command"),
    [
        ("local", "local", "ftask deploy"),
        ("local", "local-shop", "ftask deploy --stage local"),
        ("local-shop", "local-shop", "ftask deploy --stage local-shop"),
        ("prod", "local", "ftask deploy --stage prod"),
    ],
)
def test_a_command_to_paste_works_on_the_stage_that_it_is_about(stage: str, default: str, command: str) -> None:
    assert command_on(Target(stage, default_stage=default), "deploy") == command
