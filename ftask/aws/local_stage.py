"""The stage that this machine's own engine serves. Imports no SDK: a command asks for the name before it needs one."""

from __future__ import annotations

LOCAL_STAGE = "local"
LOCAL_REGION = "us-east-1"
LOCAL_ACCOUNT = "000000000000"
