#!/usr/bin/env bash
# Versions: ministack 1.5.33, boto3 1.43.106.
# Behaviour: an executable in a function's archive (mode 755 in the zip) cannot be run by the function:
#   PermissionError, since every file is unpacked without its execute bits.
# Surprise: the same archive run on the machine or unpacked by unzip works, and AWS's advice for such errors is to
#   set the modes in the archive, which is already done.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-deployment.html (permissions of files in the
#   package).
# Seen:
#   in the archive: 0o755, in the function: 0o644 - run: PermissionError
set -euo pipefail

folder=$(mktemp -d)
engine=
trap 'if [[ -n $engine ]]; then kill "$engine"; wait "$engine" || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check ministack==1.5.33 boto3==1.43.106
port=$(venv/bin/python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir home
HOME=$folder/home TMPDIR=$folder BIND_HOST=127.0.0.1 IOT_MTLS_ENABLED=0 GATEWAY_PORT=$port venv/bin/ministack > engine.log 2>&1 &
engine=$!
for _ in {1..150}; do
  (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break
  sleep 0.2
done
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
export AWS_ENDPOINT_URL=http://127.0.0.1:$port

venv/bin/python - <<'PYTHON'
import io
import json
import zipfile
from importlib.metadata import version

import boto3

HANDLER = """
import os, subprocess
def handle(event, context):
    tool = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tool")
    try:
        ran = subprocess.check_output([tool], text=True)
    except OSError as error:
        ran = type(error).__name__
    return {"mode": oct(os.stat(tool).st_mode & 0o777), "ran": ran}
"""
for package in ("ministack", "boto3"):
    print(package, version(package))
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as file:
    file.writestr("worker.py", HANDLER)
    tool = zipfile.ZipInfo("tool")
    tool.create_system, tool.external_attr = 3, 0o100755 << 16
    file.writestr(tool, "#!/bin/sh\necho it works\n")
functions = boto3.client("lambda")
functions.create_function(
    FunctionName="modes",
    Runtime="python3.12",
    Role="arn:aws:iam::000000000000:role/any",
    Handler="worker.handle",
    Code={"ZipFile": archive.getvalue()},
)
seen = json.load(functions.invoke(FunctionName="modes")["Payload"])
print("in the archive: 0o755, in the function:", seen["mode"], "- run:", seen["ran"])
assert not int(seen["mode"], 8) & 0o111 and seen["ran"] == "PermissionError", seen
PYTHON
