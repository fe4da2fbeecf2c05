"""The console script, and `python -m ftask`."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line. Ctrl-C while it is imported ends it as it ends any program, without a traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from ftask.cli import main as run  # here, because it takes most of a second on a slow machine

    signal.signal(signal.SIGINT, before)
    run()


if __name__ == "__main__":
    main()
