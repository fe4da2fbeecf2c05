"""The state of a stage in one value: where its parts are, what waits, what failed, how it is set."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.aws.stage import Stage
from ftask.core.timestamps import now
from ftask.ops import consumption
from ftask.ops.console import console_links

if TYPE_CHECKING:
    from types_boto3_cloudwatch.literals import StatisticType


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
