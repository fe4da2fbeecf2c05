"""`ftask bench schema`: the JSON Schema of a result."""

from __future__ import annotations

import json

from ftask.cli.invocation import Invocation


def schema(run: Invocation) -> None:
    """Print the JSON Schema of a result."""
    from ftask.bench.result import schema as result_schema

    print(json.dumps(result_schema(), indent=2))  # noqa: T201 - JSON in either output format
