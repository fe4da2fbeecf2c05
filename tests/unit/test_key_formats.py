"""The local engine's keys, as shells and the AWS CLI read them."""

from __future__ import annotations

import json
import subprocess

from ftask.cli.local import KeyFormat, credentials_text

KEYS = {
    "accessKeyId": "FTASKID",
    "secretAccessKey": "a-secret_9",
    "region": "us-east-1",
    "endpointUrl": "http://127.0.0.1:4566",
}
VARIABLES = {
    "AWS_ACCESS_KEY_ID": "FTASKID",
    "AWS_SECRET_ACCESS_KEY": "a-secret_9",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
}


def test_a_shell_takes_them_and_forgets_a_token_of_another_account() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{credentials_text(KEYS, KeyFormat.ENV)}\nenv"],
        env={"AWS_SESSION_TOKEN": "of-another", "AWS_ACCESS_KEY_ID": "of-another"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert {name: text for name, text in found.items() if name.startswith("AWS_")} == VARIABLES


def test_each_other_program_has_its_format() -> None:
    lines = credentials_text(KEYS, KeyFormat.ENV_NO_EXPORT).splitlines()
    assert dict(line.split("=", 1) for line in lines) == VARIABLES
    assert credentials_text(KEYS, KeyFormat.FISH).splitlines()[0] == "set -gx AWS_ACCESS_KEY_ID FTASKID"
    assert json.loads(credentials_text(KEYS, KeyFormat.PROCESS)) == {
        "Version": 1,
        "AccessKeyId": "FTASKID",
        "SecretAccessKey": "a-secret_9",
    }
