#!/usr/bin/env bash
# Versions: aws-lambda-powertools 3.37.0, aws-embedded-metrics 3.5.0.
# Behaviour: one metric is given 1500 milliseconds and then 2 seconds. aws-embedded-metrics calls both values
#   Milliseconds, Powertools calls both Seconds. Neither warns.
# Surprise: both validate names, units and the number of values, and both write CloudWatch's embedded format; one
#   expects a refusal, two metrics, or at least the same mistake.
# Source:
#   https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
#   (a metric definition has one unit).
# Seen:
#   powertools            [1500.0, 2.0] Seconds
#   aws-embedded-metrics  [1500, 2] Milliseconds
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
metrics.add_metric(name="took", unit=MetricUnit.Milliseconds, value=1500)
metrics.add_metric(name="took", unit=MetricUnit.Seconds, value=2)
powertools = metrics.serialize_metric_set()

context = MetricsContext.empty()
context.put_metric("took", 1500, "Milliseconds")
context.put_metric("took", 2, "Seconds")
[embedded] = map(json.loads, LogSerializer.serialize(context))
seen = []
for name, line in (("powertools", powertools), ("aws-embedded-metrics", embedded)):
    [definition] = line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    seen.append((line["took"], definition["Unit"]))
    print(f"{name:21}", *seen[-1])
assert seen == [([1500, 2], "Seconds"), ([1500, 2], "Milliseconds")], seen
PYTHON
