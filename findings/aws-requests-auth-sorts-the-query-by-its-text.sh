#!/usr/bin/env bash
# Versions: aws-requests-auth 0.4.3, requests 2.34.2.
# Behaviour: with a parameter "a" and a parameter "a-b" (or "a.b") the signature is wrong, because "a-b=1" and "a=2"
#   are sorted as whole texts, and "-" comes before "=". Each parameter alone, and any other pair, is signed right.
# Surprise: the query is sorted, so one expects it to be sorted right; the order differs only where one name begins
#   with another one and goes on with one of a few characters, so a new filter parameter breaks the calls of one
#   client.
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (sort by the
#   names).
# Seen:
#   tag=1             valid signature: True
#   b=1&a=2           valid signature: True
#   tag=1&tags=2      valid signature: True
#   tag=1&tag-name=2  valid signature: False
#   tag=1&tag.name=2  valid signature: False
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check aws-requests-auth==0.4.3 requests==2.34.2

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
from aws_requests_auth.aws_auth import AWSRequestsAuth

for package in ("aws-requests-auth", "requests"):
    print(package, version(package))
auth = AWSRequestsAuth(
    aws_access_key=KEY,
    aws_secret_access_key=SECRET,
    aws_host="api.example.com",
    aws_region="us-east-1",
    aws_service="execute-api",
)
seen = []
for query in ("tag=1", "b=1&a=2", "tag=1&tags=2", "tag=1&tag-name=2", "tag=1&tag.name=2"):
    seen.append(valid(requests.Request("GET", "https://api.example.com/tasks?" + query, auth=auth).prepare()))
    print(f"{query:17} valid signature: {seen[-1]}")
assert seen == [True, True, True, False, False], seen
PYTHON
