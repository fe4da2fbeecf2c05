#!/usr/bin/env bash
# Versions: opentelemetry-propagator-aws-xray 1.0.2, aws-xray-sdk 2.15.0.
# Behaviour: the trace header that AWS documents for the first hop, Root and Sampled without Parent, gives no context
#   with OpenTelemetry's propagator: the trace id is dropped and a new trace begins. The same for Sampled=?, which asks
#   the receiver to decide. The SDK of X-Ray reads both.
# Surprise: Root alone is what an Application Load Balancer adds to a request that had no such header, so the id in its
#   access log is never the id of the trace behind it. Nothing is logged.
# Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html (tracing header: the example with a root
#   trace id and a sampling decision, and "?") and
#   https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html.
# Seen:
#   Root=...                                    opentelemetry: no trace          aws-xray-sdk: 1-5759e988-...
#   Root=...;Sampled=1                          opentelemetry: no trace          aws-xray-sdk: 1-5759e988-...
#   Root=...;Parent=53995c3f42cd8ad8;Sampled=?  opentelemetry: no trace          aws-xray-sdk: 1-5759e988-...
#   Root=...;Parent=53995c3f42cd8ad8;Sampled=1  opentelemetry: 5759e988bd86...   aws-xray-sdk: 1-5759e988-...
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
from opentelemetry.trace import get_current_span

for name in ("aws-xray-sdk", "opentelemetry-propagator-aws-xray"):
    print(name, version(name))
root = "1-5759e988-bd862e3fe1be46a994272793"
seen = []
for rest in ("", ";Sampled=1", ";Parent=53995c3f42cd8ad8;Sampled=?", ";Parent=53995c3f42cd8ad8;Sampled=1"):
    header = f"Root={root}{rest}"
    context = AwsXRayPropagator().extract({"X-Amzn-Trace-Id": header})
    span = get_current_span(context).get_span_context()
    trace = format(span.trace_id, "032x") if span.is_valid else "no trace"
    by_sdk = TraceHeader.from_header_str(header).root
    print(f"{rest:36} opentelemetry: {trace:32} aws-xray-sdk: {by_sdk}")
    seen.append((trace, by_sdk))
assert seen == [("no trace", root)] * 3 + [(root[2:].replace("-", ""), root)], seen
PYTHON
