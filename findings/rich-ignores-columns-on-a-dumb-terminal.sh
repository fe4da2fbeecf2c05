#!/usr/bin/env bash
# Versions: rich 15.0.0.
# Behaviour: with TERM=dumb (the shell inside Emacs) a terminal is 80 columns wide whatever COLUMNS says. The same
#   program with its output in a file or a pipe obeys COLUMNS, and so does a terminal of another kind.
# Surprise: COLUMNS is the one thing that a program in such an environment can go by, and is set there for that; rich
#   documents the variable without an exception.
# Source: https://rich.readthedocs.io/en/stable/console.html#environment-variables
# Seen:
#   TERM=xterm a terminal 120 columns
#   TERM=xterm a file     120 columns
#   TERM=dumb  a terminal 80 columns
#   TERM=dumb  a file     120 columns
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check rich==15.0.0

venv/bin/python - <<'PYTHON'
import io
import os
from importlib.metadata import version

from rich.console import Console

print("rich", version("rich"))
widths = {}
for term in ("xterm", "dumb"):
    for terminal in (True, False):
        os.environ |= {"TERM": term, "COLUMNS": "120"}
        console = Console(file=io.StringIO(), force_terminal=terminal)
        widths[term, terminal] = console.width
        print(f"TERM={term:5} {'a terminal' if terminal else 'a file':10} {console.width} columns")
assert widths == {("xterm", True): 120, ("xterm", False): 120, ("dumb", True): 80, ("dumb", False): 120}, widths
PYTHON
