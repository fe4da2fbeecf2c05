#!/usr/bin/env bash
# Versions: opentelemetry-propagator-aws-xray 1.0.2, aws-xray-sdk 2.15.0.
# Behaviour: a trace header with Lineage is read by OpenTelemetry's propagator and written again without it. The SDK
#   of X-Ray keeps it.
# Surprise: Lineage carries no telemetry: Lambda counts in it how often a message has come round, and stops a function
#   that keeps sending to its own queue. So the choice of a tracing library decides whether a loop of functions ends,
#   and nothing tells: the trace itself is complete.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html (Lambda uses the X-Ray tracing header
#   for it, and supported versions of the SDKs pass it on).
# Seen:
#   aws-xray-sdk   Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:5
#   opentelemetry  Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check opentelemetry-propagator-aws-xray==1.0.2 \
  aws-xray-sdk==2.15.0

venv/bin/python - <<'PYTHON'
from importlib.metadata import version

from aws_xray_sdk.core.models.trace_header import TraceHeader
from opentelemetry.propagators.aws import AwsXRayPropagator

for name in ("aws-xray-sdk", "opentelemetry-propagator-aws-xray"):
    print(name, version(name))
plain = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
header = f"{plain};Lineage=1:a87bd80c:5"
by_sdk = TraceHeader.from_header_str(header).to_header_str()
print("aws-xray-sdk  ", by_sdk)
carrier: dict[str, str] = {}
propagator = AwsXRayPropagator()
propagator.inject(carrier, propagator.extract({"X-Amzn-Trace-Id": header}))
print("opentelemetry ", carrier["X-Amzn-Trace-Id"])
assert by_sdk == header, by_sdk
assert carrier["X-Amzn-Trace-Id"] == plain, carrier
PYTHON
