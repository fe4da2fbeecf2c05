"""The engine's own process: ministack behind the guard. Its argument is the Python that runs the functions."""

from __future__ import annotations

import sys

from ministack import app
from ministack.core import lambda_runtime

from ftask.local.emulator import Ministack, with_unpredictable_secrets
from ftask.local.guard import Guard


def main() -> None:
    """Serve until a signal ends the process."""
    # ministack runs functions with sys.executable.
    sys.executable = sys.argv.pop()
    lambda_runtime.execution_credentials = with_unpredictable_secrets(lambda_runtime.execution_credentials)
    app.app = Guard(app.app, Ministack())
    app.main()


if __name__ == "__main__":
    main()
