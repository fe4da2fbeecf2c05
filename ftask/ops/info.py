"""The state of a stage in one value: where things are, what waits, what failed, how it is set."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import OWN_PARAMETERS, deployed_stack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.timestamps import now
from ftask.ops.console import links


def overview(target: Target) -> dict[str, Any]:
    """What `ftask info` shows.

    Counts of a queue are approximate, as SQS gives them. `oldestSeconds` is None where CloudWatch has no
    figure: it has none until the queue has been in use for some minutes, and an emulator may never have one.
    """
    stack = deployed_stack(target)
    outputs = stack.outputs
    parts = Stage(target, stack)
    with translate_aws_errors():
        main = parts.counts(outputs.queue_url)
        dead = parts.counts(outputs.dead_letter_queue_url)
        mapping = target.lambda_.get_event_source_mapping(UUID=outputs.worker_source)
        oldest = oldest_seconds(target, outputs.queue_url)
    return {
        "stage": target.stage_name,
        "region": target.region_name,
        "stack": target.stack_name,
        "stackStatus": stack.status,
        "apiUrl": outputs.api_url,
        "table": outputs.table,
        "queueUrl": outputs.queue_url,
        "deadLetterQueueUrl": outputs.dead_letter_queue_url,
        "queue": {"visible": main[0], "inFlight": main[1], "oldestSeconds": oldest},
        "deadLetters": dead[0] + dead[1],
        "worker": {"function": outputs.worker_function, "state": mapping.get("State", "unknown")},
        "apiFunction": outputs.api_function,
        "logGroups": {"api": outputs.api_log_group, "worker": outputs.worker_log_group},
        "codeSha256": outputs.code_sha256,
        # An emulator has no console.
        "console": {} if target.is_emulated else links(outputs, stack.stack_id, target.stack_name),
        "parameters": {name: value for name, value in sorted(stack.parameters.items()) if name not in OWN_PARAMETERS},
    }


def oldest_seconds(target: Target, queue_url: str) -> float | None:
    """The age of the oldest message, as CloudWatch last saw it."""
    moment = now()
    points = target.cloudwatch.get_metric_statistics(
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": queue_url.rpartition("/")[2]}],
        StartTime=moment - timedelta(minutes=10),
        EndTime=moment,
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    latest = max(points, key=lambda point: point["Timestamp"], default=None)
    return None if latest is None else latest["Maximum"]
