from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from ftask.aws.stage import Stage
from ftask.core.errors import FtaskError
from ftask.doctor.as_deployed import check_code
from ftask.doctor.finding import Level


def stage_with(running: dict[str, str], archives: dict[str, str | None], *, status: int = 404) -> Stage:
    """A stage whose functions run code of these hashes; S3 answers `status` for an archive that it does not have."""

    def head_object(*, Bucket: str, Key: str, ChecksumMode: str) -> Any:  # noqa: N803 - boto3's names
        assert (Bucket, ChecksumMode) == ("code", "ENABLED")
        if Key not in archives:
            raise ClientError({"ResponseMetadata": {"HTTPStatusCode": status}}, "HeadObject")  # type: ignore[typeddict-item]
        return {} if archives[Key] is None else {"ChecksumSHA256": archives[Key]}

    functions = SimpleNamespace(
        get_function_configuration=lambda FunctionName: {"CodeSha256": running[FunctionName]}  # noqa: N803
    )
    target = SimpleNamespace(s3=SimpleNamespace(head_object=head_object), lambda_=functions)
    outputs = SimpleNamespace(api_function="api", api_code_key="a.zip", worker_function="w", worker_code_key="w.zip")
    stack = SimpleNamespace(parameters={"CodeBucket": "code"}, outputs=outputs)
    return cast(Stage, SimpleNamespace(target=target, outputs=outputs, stack=stack))


def test_functions_that_run_what_was_deployed_are_fine() -> None:
    (finding,) = check_code(stage_with({"api": "1", "w": "2"}, {"a.zip": "1", "w.zip": "2"}))
    assert (finding.level, finding.message) == (Level.OK, "both functions run what was deployed")


def test_code_that_somebody_swapped_is_reported_with_the_way_back() -> None:
    (finding,) = check_code(stage_with({"api": "1", "w": "9"}, {"a.zip": "1", "w.zip": "2"}))
    assert finding.level is Level.WARNING
    assert finding.message.startswith("w runs other code than was deployed")
    assert finding.hint is not None
    assert finding.hint.endswith("--function-name w --s3-bucket code --s3-key w.zip")


def test_an_archive_without_a_checksum_is_not_compared() -> None:
    findings = list(check_code(stage_with({"api": "1", "w": "9"}, {"w.zip": None})))
    assert [finding.level for finding in findings] == [Level.OK, Level.OK]
    assert all(finding.message.startswith("not compared: code/") for finding in findings)


def test_a_denied_archive_is_an_error() -> None:
    with pytest.raises(FtaskError):
        list(check_code(stage_with({"api": "1", "w": "2"}, {}, status=403)))
