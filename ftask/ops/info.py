"""The state of a stage in one value: where its parts are, what waits, what failed, how it is set."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import MANAGED_PARAMETERS
from ftask.aws.stage import Stage
from ftask.core.timestamps import now
from ftask.ops import consumption
from ftask.ops.console import build_links


def describe_stage(stage: Stage) -> dict[str, Any]:
    """Return what `ftask info` shows, in the form of its JSON output.

    Counts of a queue are approximate, as SQS gives them. `oldestSeconds` is None where CloudWatch has no
    figure: it has none until the queue has been in use for some minutes, and an emulator may never have one. A worker's
    `problem` says why no task runs and what to do about it; None where tasks run, or nobody may ask the worker.
    """
    target, stack, outputs = stage.target, stage.stack, stage.outputs
    queue = stage.queue_depth()
    with translate_aws_errors():
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


def console_links(stage: Stage) -> dict[str, str]:
    """Return links to the pages of the console; none where the console of the partition is not known."""
    stack = stage.stack
    # A stage of 0.1 has its dashboard with its alarms.
    has_dashboard = stack.parameters.get("MetricsDashboard", stack.parameters.get("Alarms")) == "true"
    return build_links(stage.outputs, stack.stack_id, stage.target.stack_name, dashboard=has_dashboard)


def oldest_seconds(stage: Stage) -> float | None:
    """Return the age of the oldest message, as CloudWatch last saw it; None if it has no figure."""
    until = now()
    points = stage.target.cloudwatch.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": stage.outputs.queue_url.rpartition("/")[2]}],
        StartTime=until - timedelta(minutes=10),
        EndTime=until,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    latest = max(points, key=lambda point: point["Timestamp"], default=None)
    return None if latest is None else latest["Maximum"]
