#!/usr/bin/env bash
# Versions: botocore 1.43.106, requests-aws4auth 1.4.0.
# Behaviour: for a URL whose query holds an unescaped comma, colon or slash (legal in a URL, and left alone by
#   requests) botocore's SigV4Auth signs those characters as they stand. The rule is that every value is
#   percent-encoded in what is signed, so the service computes another signature. requests-aws4auth encodes them and
#   is right.
# Surprise: botocore is what one compares the other signers with. Its own clients always build encoded queries; only
#   requests that somebody else built show it.
# Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (canonical query
#   string: URI-encode each name and value).
# Seen:
#   b=2&a=1    valid signature: botocore True, requests-aws4auth True
#   ids=1%2C2  valid signature: botocore True, requests-aws4auth True
#   ids=1,2    valid signature: botocore False, requests-aws4auth True
#   at=12:30   valid signature: botocore False, requests-aws4auth True
#   path=a/b   valid signature: botocore False, requests-aws4auth True
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check botocore==1.43.106 requests==2.34.2 requests-aws4auth==1.4.0

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
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from requests_aws4auth import AWS4Auth

for package in ("botocore", "requests", "requests-aws4auth"):
    print(package, version(package))


def botocore(url):
    request = AWSRequest(method="GET", url=url)
    SigV4Auth(Credentials(KEY, SECRET), "execute-api", "us-east-1").add_auth(request)
    return request.prepare()


def aws4auth(url):
    return requests.Request("GET", url, auth=AWS4Auth(KEY, SECRET, "us-east-1", "execute-api")).prepare()


seen = []
for query in ("b=2&a=1", "ids=1%2C2", "ids=1,2", "at=12:30", "path=a/b"):
    url = "https://api.example.com/tasks?" + query
    assert requests.Request("GET", url).prepare().url == url
    seen.append((valid(botocore(url)), valid(aws4auth(url))))
    print(f"{query:10} valid signature: botocore {seen[-1][0]}, requests-aws4auth {seen[-1][1]}")
assert seen == [(True, True)] * 2 + [(False, True)] * 3, seen
PYTHON
