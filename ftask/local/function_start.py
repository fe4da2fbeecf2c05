"""What a function's process on the local engine does first: it takes its stdin and stdout away from its own code.

The engine speaks to the process by them, a line of JSON for each invocation and each answer. Whatever a task, or a
program that it starts, reads or prints must not be taken for that. So file descriptor 0 becomes empty, as on AWS, and 1
becomes the log; `sys.stdin` and `sys.stdout` keep the engine's pipes, by descriptors that no other program inherits.

A copy of this file lies in the runtime environment, which calls `main` at the start of each interpreter.
"""

import os
import sys

# Set for the engine, whose environment its functions inherit. What they start must not see it.
VARIABLE = "FTASK_FUNCTION_START"


def main() -> None:
    """Move the engine's pipes, if the engine started this process."""
    if os.environ.pop(VARIABLE, None) is None:
        return
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin = os.fdopen(requests, encoding="utf-8")
    sys.stdout = os.fdopen(answers, "w", encoding="utf-8")
