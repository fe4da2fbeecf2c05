"""`ftask bench schema`: the JSON Schema of a result."""

from __future__ import annotations

from ftask.bench.result import schema as result_schema
from ftask.cli.invocation import Invocation


def schema(run: Invocation) -> None:
    """Print the JSON Schema of a result.

    Examples:
        ftask bench schema
    """
    run.screen.document(result_schema())
