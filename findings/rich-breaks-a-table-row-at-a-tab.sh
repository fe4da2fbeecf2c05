#!/usr/bin/env bash
# Versions: rich 15.0.0.
# Behaviour: a cell with a tab, such as one line of TSV or of a log, is broken into two lines at the tab in a table
#   with room to spare. Printed without a table the tab becomes spaces and nothing is broken.
# Surprise: the column is measured with the tab as nothing and drawn with the tab as up to eight columns; the width
#   of the terminal plays no part, so the break comes with any width.
# Source: https://rich.readthedocs.io/en/stable/tables.html (columns are as wide as their content needs).
# Seen:
#   '3 jobs'   str   ['3 jobs']
#   '3 jobs'   Table [' 3 jobs  queue']
#   '3\tjobs'  str   ['3       jobs']
#   '3\tjobs'  Table [' 3      queue', ' jobs']
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check rich==15.0.0

venv/bin/python - <<'PYTHON'
import io
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

print("rich", version("rich"))
seen = []
for cell in ("3 jobs", "3\tjobs"):
    table = Table(box=None, show_header=False)
    table.add_row(cell, "queue")
    for value in (cell, table):
        console = Console(file=io.StringIO(), width=200)
        console.print(value)
        seen.append(console.file.getvalue().splitlines())
        print(f"{cell!r:10} {type(value).__name__:5} {[line.rstrip() for line in seen[-1]]}")
assert [len(lines) for lines in seen] == [1, 1, 1, 2], seen
PYTHON
