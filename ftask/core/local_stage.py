"""The stages that this machine's own engine serves: `local`, and those like `local-shop`.

Imports no SDK: a command asks for the name before it needs one.
"""

from __future__ import annotations

LOCAL_STAGE = "local"
LOCAL_REGION = "us-east-1"
LOCAL_ACCOUNT = "000000000000"


def secret_path(stage: str, variable: str) -> str:
    """Return the name of the parameter that holds the secret for an environment variable on a local stage."""
    return f"/ftask/{stage}/{variable}"


def secret_arn(stage: str, variable: str) -> str:
    """Return the ARN of that parameter."""
    return f"arn:aws:ssm:{LOCAL_REGION}:{LOCAL_ACCOUNT}:parameter{secret_path(stage, variable)}"


def is_local(stage: str) -> bool:
    """Return whether the local engine serves a stage of this name."""
    return stage == LOCAL_STAGE or stage.startswith(f"{LOCAL_STAGE}-")
