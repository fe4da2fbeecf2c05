#!/usr/bin/env bash
# Versions: jmespath 1.1.0.
# Behaviour: an ordering comparison of a number and a text, as in items[?size > '10'], raises Python's TypeError out
#   of search(); with a missing or null field the same comparison is null. Two texts are compared as texts.
# Surprise: JMESPath defines an ordering of anything but two numbers to be null, and the library has errors of its
#   own. The AWS CLI's --query is this library, so one row of another type ends the command.
# Source: https://jmespath.org/specification.html#ordering-operators
# Seen:
#   size > `10`     True
#   missing > `10`  None
#   name > `10`     TypeError
#   name > 'a'      True
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check jmespath==1.1.0

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import jmespath
from jmespath.exceptions import JMESPathError

print("jmespath", version("jmespath"))
seen = []
for expression in ("size > `10`", "missing > `10`", "name > `10`", "name > 'a'"):
    try:
        seen.append(jmespath.search(expression, {"size": 11, "name": "b"}))
    except TypeError as error:
        assert not isinstance(error, JMESPathError)
        seen.append("TypeError")
    print(f"{expression:15} {seen[-1]}")
assert seen == [True, None, "TypeError", True], seen
PYTHON
