"""The check of the code that the functions run: somebody may have swapped it without a deployment.

CloudFormation does not compare code when it detects drift.
"""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.ops.finding import Finding, Level


def check_code(stage: Stage) -> Iterator[Finding]:
    """Compare the code of each function with the archive that was deployed for it."""
    outputs, bucket = stage.outputs, stage.stack.parameters["CodeBucket"]
    keys = {
        outputs.api_function: outputs.api_code_key,
        outputs.worker_function: outputs.worker_code_key or outputs.api_code_key,
    }
    swapped, unknown = [], []
    with translate_aws_errors():
        for function, key in keys.items():
            deployed = _checksum(stage, bucket, key)
            if deployed is None:
                unknown.append(key)
            elif stage.target.lambda_.get_function_configuration(FunctionName=function)["CodeSha256"] != deployed:
                swapped.append((function, key))
    for function, key in swapped:
        yield Finding(
            "code",
            Level.WARNING,
            f"{function} runs other code than was deployed: somebody changed it without a deployment.",
            "Bring the deployed code back with: aws lambda update-function-code"
            f" --function-name {function} --s3-bucket {bucket} --s3-key {key}",
        )
    for key in unknown:
        yield Finding("code", Level.OK, f"not compared: {bucket}/{key} is gone, or has no SHA-256 checksum")
    if not swapped and not unknown:
        yield Finding("code", Level.OK, "both functions run what was deployed")


def _checksum(stage: Stage, bucket: str, key: str) -> str | None:
    """Return the SHA-256 of an archive, written as Lambda writes it; None if S3 does not know it."""
    try:
        return stage.target.s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED").get("ChecksumSHA256")
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            raise
        return None
