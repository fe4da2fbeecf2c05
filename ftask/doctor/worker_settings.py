"""What decides whether and how the worker gets its tasks: the event source mapping, and two timeouts.

A deployment compares the template with the last template, so it does not notice what somebody changed since. Each
difference is put back to what the stack's parameters and its template say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parameters import number
from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.core.errors import FtaskError
from ftask.doctor.finding import Finding, Level
from ftask.ops import consumption

if TYPE_CHECKING:
    from types_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef

CHECK = "worker"
# The mapping's setting in the template that no parameter sets.
RESPONSE_TYPES = ["ReportBatchItemFailures"]
# What CloudFormation may report as drift of the stack's resources too: their logical ids and properties.
COVERED = frozenset({("WorkerFunction", "Timeout"), ("Queue", "VisibilityTimeout")})
COVERED_RESOURCE = "WorkerSource"


def check_worker(stage: Stage, restore_mapping: Callable[[], object]) -> Iterator[Finding]:
    """Compare the settings with what was deployed; `restore_mapping` recreates the event source mapping."""
    mapping = consumption.mapping(stage)
    findings = [*_timeouts(stage), *(_of_mapping(stage, mapping) if mapping else [_gone(stage, restore_mapping)])]
    yield from findings or [Finding(CHECK, Level.OK, "timeouts and event source mapping are as deployed")]


def _gone(stage: Stage, restore_mapping: Callable[[], object]) -> Finding:
    def recreate() -> str:
        restore_mapping()
        return "recreated the event source mapping"

    return Finding(
        CHECK,
        Level.ERROR,
        "The worker's event source mapping is gone: somebody deleted it, and no task runs.",
        "Recreate it, by two updates of the stack with a deployer's permissions:"
        f" {command_on(stage.target, 'doctor --fix')}",
        recreate,
    )


def _compared(
    stage: Stage, name: str, actual: Any, deployed: Any, effect: str, restore: Callable[[], object]
) -> Iterator[Finding]:
    """Yield a finding if a setting is not as deployed; `effect` is what its value does."""
    if actual == deployed:
        return

    def put_back() -> str:
        with translate_aws_errors():
            restore()
        return f"{name} is {deployed} again"

    yield Finding(
        CHECK,
        Level.ERROR,
        f"{name} is {actual}, deployed as {deployed}: {effect}.",
        f"Put it back with a deployer's permissions: {command_on(stage.target, 'doctor --fix')}",
        put_back,
    )


def _timeouts(stage: Stage) -> Iterator[Finding]:
    function, url = stage.outputs.worker_function, stage.outputs.queue_url
    lambda_, sqs = stage.target.lambda_, stage.target.sqs
    with translate_aws_errors():
        timeout = lambda_.get_function_configuration(FunctionName=function).get("Timeout")
    deployed = _parameter(stage, "WorkerTimeout")
    yield from _compared(
        stage,
        "The worker function's Timeout",
        timeout,
        deployed,
        "attempts get another time than they were promised",
        partial(lambda_.update_function_configuration, FunctionName=function, Timeout=deployed),
    )
    deployed = _parameter(stage, "VisibilityTimeout")
    yield from _compared(
        stage,
        "The queue's VisibilityTimeout",
        int(stage.visibility_timeout.total_seconds()),
        deployed,
        "a message comes back too early or too late",
        partial(sqs.set_queue_attributes, QueueUrl=url, Attributes={"VisibilityTimeout": str(deployed)}),
    )


def _of_mapping(stage: Stage, mapping: EventSourceMappingConfigurationResponseTypeDef) -> Iterator[Finding]:
    worker, concurrency = stage.outputs.worker_function, _parameter(stage, "WorkerConcurrency")
    filters: Mapping[str, Any] = mapping.get("FilterCriteria") or {}
    # Each setting as Lambda takes it, its value as Lambda shows it and as deployed, and what another value does.
    settings: tuple[tuple[str, Any, Any, str], ...] = (
        (
            "FunctionName",
            mapping.get("FunctionArn", "").partition(":function:")[2],
            worker,
            "another function gets the tasks",
        ),
        (
            "BatchSize",
            mapping.get("BatchSize"),
            _parameter(stage, "WorkerBatchSize"),
            "an invocation gets another number of tasks",
        ),
        (
            "MaximumBatchingWindowInSeconds",
            mapping.get("MaximumBatchingWindowInSeconds", 0),
            _parameter(stage, "WorkerBatchWindow"),
            "tasks wait longer for their batch to fill, or share it with fewer",
        ),
        (
            "FunctionResponseTypes",
            list(mapping.get("FunctionResponseTypes") or []),
            RESPONSE_TYPES,
            "messages of tasks that wait for a retry are deleted",
        ),
        (
            "ScalingConfig",
            mapping.get("ScalingConfig") or {},
            {"MaximumConcurrency": concurrency} if concurrency else {},
            "more or fewer batches run at the same time",
        ),
        (
            "FilterCriteria",
            filters if filters.get("Filters") else {},
            {},
            "messages that do not match are deleted",
        ),
    )
    update = partial(stage.target.lambda_.update_event_source_mapping, UUID=stage.outputs.worker_source)
    for name, actual, deployed, effect in settings:
        restore = partial(update, **{name: deployed})
        yield from _compared(stage, f"The event source mapping's {name}", actual, deployed, effect, restore)


def _parameter(stage: Stage, name: str) -> int:
    value = number(stage.stack.parameters, name)
    if value is None:
        raise FtaskError(
            f"Stack {stage.target.stack_name} has no parameter {name}.",
            f"Deploy the stage with this ftask: {command_on(stage.target, 'deploy')}",
        )
    return round(value)
