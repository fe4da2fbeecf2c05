"""Answers of AWS, made in this process: what a handler of `before-send` returns instead of sending a request."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse


class _Body(io.BytesIO):
    """The body of an answer as urllib3 hands it on."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.getvalue()


def aws_answer(request: Any, body: bytes, status: int = 200) -> AWSResponse:
    """Return the answer of a service that speaks JSON, with this body and status."""
    headers: Any = {"content-type": "application/x-amz-json-1.0", "content-length": str(len(body))}
    return AWSResponse(request.url, status, headers, _Body(body))
