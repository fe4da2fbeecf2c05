"""Links to the pages of AWS's console that show a stage."""

from __future__ import annotations

from urllib.parse import quote

from ftask.aws.stage import Stage

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
