#!/usr/bin/env bash
# Versions: requests-auth-aws-sigv4 0.7, requests 2.34.2.
# Behaviour: of "id=1&id=2" only the last one is signed, so the signature is wrong; a parameter without "=" raises
#   ValueError before anything is sent; a path with an encoded space is signed as for S3, encoded once.
# Surprise: repeated parameters are how HTTP APIs take lists, and requests' params={"id": [1, 2]} writes them so.
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (sorted
#   parameters; the path is encoded twice for every service but S3).
# Seen:
#   /tasks?id=1       valid signature: True
#   /tasks?id=1&id=2  valid signature: False
#   /tasks?verbose    valid signature: ValueError
#   /my%20task        valid signature: False
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check requests-auth-aws-sigv4==0.7 requests==2.34.2

venv/bin/python - <<'PYTHON'
import hashlib
import hmac
import re
from importlib.metadata import version
from urllib.parse import quote, unquote, urlsplit

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # of AWS's documentation


def valid(request):
    """Whether a signed GET carries the signature that AWS computes from what it receives."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    url = urlsplit(request.url)
    headers.setdefault("host", url.netloc)
    scope, names, signature = re.search(
        r"Credential=[^/]+/([^,]+), *SignedHeaders=([^,]+), *Signature=(\w+)", headers["authorization"]
    ).groups()
    pairs = [part.partition("=")[::2] for part in url.query.split("&") if part]
    query = sorted(tuple(quote(unquote(text), safe="-_.~") for text in pair) for pair in pairs)
    canonical = "\n".join([
        "GET",
        quote(url.path, safe="/-_.~"),
        "&".join("=".join(pair) for pair in query),
        *(f"{name}:{headers[name]}" for name in names.split(";")),
        "",
        names,
        headers.get("x-amz-content-sha256", hashlib.sha256(b"").hexdigest()),
    ])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, digest])
    key = b"AWS4" + SECRET.encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex() == signature

import requests
from requests_auth_aws_sigv4 import AWSSigV4

for package in ("requests-auth-aws-sigv4", "requests"):
    print(package, version(package))
auth = AWSSigV4("execute-api", aws_access_key_id=KEY, aws_secret_access_key=SECRET, region="us-east-1")
seen = []
for target in ("/tasks?id=1", "/tasks?id=1&id=2", "/tasks?verbose", "/my%20task"):
    try:
        request = requests.Request("GET", "https://api.example.com" + target, auth=auth).prepare()
        seen.append(valid(request))
    except ValueError as error:
        seen.append(type(error).__name__)
    print(f"{target:17} valid signature: {seen[-1]}")
assert seen == [True, False, "ValueError", False], seen
PYTHON
