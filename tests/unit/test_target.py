from __future__ import annotations

import pytest
from botocore.session import get_session

from ftask.aws.target import Target


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
