"""The state of a stage in one value: where its parts are, what waits, what failed, and where AWS shows them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.aws.stage import Stage
from ftask.core.timestamps import now
from ftask.ops import consumption

if TYPE_CHECKING:
    from types_boto3_cloudwatch.literals import StatisticType


# The console's host in each partition.
# https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/getting-started.html
_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}

# The pages by the names under which commands open them.
PAGES = {
    "stack": "stack",
    "queue": "queue",
    "dlq": "deadLetterQueue",
    "table": "table",
    "logs": "workerLog",
    "api-logs": "apiLog",
    "worker": "worker",
    "alarms": "alarms",
    "dashboard": "dashboard",
}


def console_links(stage: Stage) -> dict[str, str]:
    """Return the URLs of the pages, by what they show; empty for a partition whose console is not known."""
    outputs, stack_id, stack_name = stage.outputs, stage.stack.stack_id, stage.target.stack_name
    _, partition, _, region, *_ = stack_id.split(":")
    host = _HOSTS.get(partition)
    if host is None:
        return {}
    has_dashboard = stage.stack.parameters["MetricsDashboard"] == "true"

    def page(service: str, fragment: str) -> str:
        return f"https://{region}.{host}/{service}/home?region={region}#{fragment}"

    return {
        "stack": page("cloudformation", f"/stacks/stackinfo?stackId={_quoted(stack_id)}"),
        **({"dashboard": page("cloudwatch", f"dashboards/dashboard/{_quoted(stack_name)}")} if has_dashboard else {}),
        "alarms": page("cloudwatch", f"alarmsV2:?search={_quoted(stack_name)}"),
        "workerLog": page("cloudwatch", f"logsV2:log-groups/log-group/{_log_group(outputs.worker_log_group)}"),
        "apiLog": page("cloudwatch", f"logsV2:log-groups/log-group/{_log_group(outputs.api_log_group)}"),
        "worker": page("lambda", f"/functions/{_quoted(outputs.worker_function)}"),
        "table": page("dynamodbv2", f"table?name={_quoted(outputs.table)}"),
        "queue": page("sqs/v3", f"/queues/{_quoted(outputs.queue_url)}"),
        "deadLetterQueue": page("sqs/v3", f"/queues/{_quoted(outputs.dead_letter_queue_url)}"),
    }


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _log_group(name: str) -> str:
    # The console quotes a log group twice, and then writes the percent signs as dollars.
    return _quoted(_quoted(name)).replace("%", "$")


def describe_stage(stage: Stage) -> dict[str, Any]:
    """Return what `ftask info` shows, in the form of its JSON output.

    Counts of a queue are approximate, as SQS gives them. `oldestSeconds` is None where CloudWatch has no
    figure: it has none until the queue has been in use for some minutes, and an emulator may never have one. A worker's
    `problem` says why no task runs and what to do about it; None where tasks run, or nobody may ask the worker.
    """
    target, stack, outputs = stage.target, stage.stack, stage.outputs
    queue = stage.queue_depth()
    oldest = oldest_seconds(stage)
    state = consumption.state(stage)
    return {
        "stage": target.stage_name,
        "region": target.region_name,
        "stack": target.stack_name,
        "stackStatus": stack.status,
        "apiUrl": outputs.api_url,
        "table": outputs.table,
        "queueUrl": outputs.queue_url,
        "deadLetterQueueUrl": outputs.dead_letter_queue_url,
        "queue": {"visible": queue.visible, "inFlight": queue.in_flight, "oldestSeconds": oldest},
        "deadLetters": stage.dead_letter_depth().total,
        "worker": {
            "function": outputs.worker_function,
            "state": state,
            "problem": consumption.why_no_task_runs(stage, state),
        },
        "apiFunction": outputs.api_function,
        "logGroups": {"api": outputs.api_log_group, "worker": outputs.worker_log_group},
        "codeSha256": outputs.api_code_sha256,
        "workerCodeSha256": outputs.worker_code_sha256,
        "console": {} if target.is_emulated else console_links(stage),
        "parameters": {
            name: value for name, value in sorted(stack.parameters.items()) if name not in MANAGED_PARAMETERS
        },
    }


def oldest_seconds(stage: Stage) -> float | None:
    """Return the age of the oldest message, as CloudWatch last saw it; None if it has no figure."""
    ages = datapoints(stage, "AWS/SQS", "ApproximateAgeOfOldestMessage", timedelta(minutes=10), "Maximum")
    return ages[-1] if ages else None


def datapoints(stage: Stage, namespace: str, metric: str, period: timedelta, statistic: StatisticType) -> list[float]:
    """Return what CloudWatch has of a metric of the queue or the worker in each minute of the last `period`."""
    outputs, until = stage.outputs, now()
    name, value = {
        "AWS/SQS": ("QueueName", outputs.queue_url.rpartition("/")[2]),
        "AWS/Lambda": ("FunctionName", outputs.worker_function),
    }[namespace]
    with translate_aws_errors():
        points = stage.target.cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value}],
            StartTime=until - period,
            EndTime=until,
            Period=60,
            Statistics=[statistic],
        )["Datapoints"]
    return [point[statistic] for point in sorted(points, key=lambda point: point["Timestamp"])]
