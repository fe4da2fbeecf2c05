"""What the process that forks commands does once, as this module is imported: it reads AWS's models for all of them."""

from __future__ import annotations

import gc

import pytest

from ftask.aws.target import Target
from tests.support import quick_botocore

quick_botocore.quicken(pytest.MonkeyPatch())
_target = Target.local("http://127.0.0.1:1", "key", "secret")
for _client in ("cloudformation", "cloudwatch", "dynamodb", "lambda_", "logs", "s3", "sqs", "sts"):
    getattr(_target, _client)
# The garbage collector of a forked process would write to all that it looks through, and so copy it.
gc.freeze()
