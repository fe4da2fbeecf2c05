"""The keys of the local engine as other programs read them: a shell, and the configuration of the AWS CLI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum


class KeyFormat(StrEnum):
    """How keys are written for other programs; the names are those of `aws configure export-credentials`.

    https://docs.aws.amazon.com/cli/latest/reference/configure/export-credentials.html
    """

    ENV = "env"
    ENV_NO_EXPORT = "env-no-export"
    FISH = "fish"
    PROCESS = "process"


def credentials_text(value: Mapping[str, str], key_format: KeyFormat) -> str:
    """Return the keys, from their JSON form, for a shell or for `credential_process`."""
    if key_format is KeyFormat.PROCESS:
        keys = {"AccessKeyId": value["accessKeyId"], "SecretAccessKey": value["secretAccessKey"]}
        return json.dumps({"Version": 1} | keys)
    variables = {
        "AWS_ACCESS_KEY_ID": value["accessKeyId"],
        "AWS_SECRET_ACCESS_KEY": value["secretAccessKey"],
        # boto3 reads the one, other SDKs the other.
        "AWS_DEFAULT_REGION": value["region"],
        "AWS_REGION": value["region"],
        "AWS_ENDPOINT_URL": value["endpointUrl"],
    }
    # A session token that is left over would be sent along, and refused.
    match key_format:
        case KeyFormat.ENV:
            lines = [*(f"export {name}={text}" for name, text in variables.items()), "unset AWS_SESSION_TOKEN"]
        case KeyFormat.FISH:
            lines = [*(f"set -gx {name} {text}" for name, text in variables.items()), "set -e AWS_SESSION_TOKEN"]
        case KeyFormat.ENV_NO_EXPORT:
            lines = [f"{name}={text}" for name, text in variables.items()]
    return "\n".join(lines)
