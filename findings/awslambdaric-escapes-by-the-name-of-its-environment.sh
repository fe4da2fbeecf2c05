#!/usr/bin/env bash
# Versions: awslambdaric 4.2.2.
# Behaviour: whether a result is written as UTF-8 or with \u escapes depends on the variable AWS_EXECUTION_ENV: plain
#   in the managed runtimes of Python 3.12 and later, escaped in those before and wherever the variable is missing,
#   such as a container with the same package or a local stand-in.
# Surprise: the same function with the same package answers with up to three times as many bytes, which counts
#   against Lambda's 6 MB, and only outside of the zip runtimes.
# Source: https://github.com/aws/aws-lambda-python-runtime-interface-client (lambda_runtime_marshaller.py).
# Seen:
#   AWS_Lambda_python3.11  1802 bytes
#   AWS_Lambda_python3.12  602 bytes
#   None                   1802 bytes
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check awslambdaric==4.2.2

venv/bin/python - <<'PYTHON'
import os
from importlib.metadata import version

from awslambdaric.lambda_runtime_marshaller import to_json

print("awslambdaric", version("awslambdaric"))
sizes = {}
for environment in ("AWS_Lambda_python3.11", "AWS_Lambda_python3.12", None):
    os.environ.pop("AWS_EXECUTION_ENV", None)
    if environment:
        os.environ["AWS_EXECUTION_ENV"] = environment
    sizes[environment] = len(to_json("äöü" * 100).encode())
    print(f"{environment!s:22} {sizes[environment]} bytes")
assert list(sizes.values()) == [1802, 602, 1802], sizes
PYTHON
