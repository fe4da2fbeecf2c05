#!/usr/bin/env bash
# Versions: aws-lambda-powertools 3.37.0, aws-embedded-metrics 3.5.0.
# Behaviour: with a dimension and a metric of one name ("queue" is a natural one for both) the line names the
#   dimension and holds the metric's number in its place. Both libraries write it without a warning.
# Surprise: both check dimensions in other ways (empty, too many, not ASCII). The format wants a text there, and the
#   line looks complete in the log.
# Source:
#   https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
#   (target members: dimensions are strings).
# Seen:
#   powertools            dimensions ['queue', 'service'], queue = [7.0]
#   aws-embedded-metrics  dimensions ['queue'], queue = 7
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check aws-lambda-powertools==3.37.0 aws-embedded-metrics==3.5.0

venv/bin/python - <<'PYTHON'
import json
import warnings
from importlib.metadata import version

from aws_embedded_metrics.logger.metrics_context import MetricsContext
from aws_embedded_metrics.serializers.log_serializer import LogSerializer
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

warnings.simplefilter("error")
for package in ("aws-lambda-powertools", "aws-embedded-metrics"):
    print(package, version(package))
metrics = Metrics(namespace="n", service="s")
metrics.add_dimension(name="queue", value="orders")
metrics.add_metric(name="queue", unit=MetricUnit.Count, value=7)
powertools = metrics.serialize_metric_set()

context = MetricsContext.empty()
context.put_dimensions({"queue": "orders"})
context.put_metric("queue", 7)
[embedded] = map(json.loads, LogSerializer.serialize(context))
for name, line in (("powertools", powertools), ("aws-embedded-metrics", embedded)):
    [dimensions] = line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    print(f"{name:21} dimensions {dimensions}, queue = {line['queue']}")
    assert "queue" in dimensions and line["queue"] in (7, [7]) and "orders" not in json.dumps(line)
PYTHON
