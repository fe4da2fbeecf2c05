"""What decides whether and how the worker gets its tasks: the event source mapping, and two timeouts.

A deployment compares the template with the last template, so it does not notice what somebody changed since. Each
difference is put back to what the stack's parameters and its template say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parameters import number
from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.core.errors import FtaskError
from ftask.ops import consumption
from ftask.ops.finding import Finding, Level

if TYPE_CHECKING:
    from types_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef

CHECK = "worker"
# The mapping's setting in the template that no parameter sets.
RESPONSE_TYPES = ["ReportBatchItemFailures"]
# What CloudFormation may report as drift of the stack's resources too: their logical ids and properties.
COVERED = frozenset({("WorkerFunction", "Timeout"), ("Queue", "VisibilityTimeout")})
COVERED_RESOURCE = "WorkerSource"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that is not as deployed, and what puts it back."""

    name: str
    actual: Any
    deployed: Any
    effect: str
    restore: Callable[[], object]

    def finding(self, stage: Stage) -> Finding:
        return Finding(
            CHECK,
            Level.ERROR,
            f"{self.name} is {self.actual}, deployed as {self.deployed}: {self.effect}.",
            f"Put it back with a deployer's permissions: {command_on(stage.target, 'doctor --fix')}",
            self._put_back,
        )

    def _put_back(self) -> str:
        with translate_aws_errors():
            self.restore()
        return f"{self.name} is {self.deployed} again"


def check_worker(stage: Stage, restore_mapping: Callable[[], object]) -> Iterator[Finding]:
    """Compare the settings with what was deployed; `restore_mapping` recreates the event source mapping."""
    mapping = consumption.mapping(stage)
    changed = list(_timeouts(stage))
    if mapping is None:
        yield Finding(
            CHECK,
            Level.ERROR,
            "The worker's event source mapping is gone: somebody deleted it, and no task runs.",
            "Recreate it, by two updates of the stack with a deployer's permissions:"
            f" {command_on(stage.target, 'doctor --fix')}",
            lambda: _recreated(restore_mapping),
        )
    else:
        changed += _settings_of(stage, mapping)
    for setting in changed:
        yield setting.finding(stage)
    if mapping is not None and not changed:
        yield Finding(CHECK, Level.OK, "timeouts and event source mapping are as deployed")


def _recreated(restore_mapping: Callable[[], object]) -> str:
    restore_mapping()
    return "recreated the event source mapping"


def _timeouts(stage: Stage) -> Iterator[Setting]:
    outputs = stage.outputs
    lambda_, sqs = stage.target.lambda_, stage.target.sqs
    with translate_aws_errors():
        timeout = lambda_.get_function_configuration(FunctionName=outputs.worker_function).get("Timeout")
    deployed_timeout = _parameter(stage, "WorkerTimeout")
    if timeout != deployed_timeout:
        yield Setting(
            "The worker function's Timeout",
            timeout,
            deployed_timeout,
            "attempts get another time than they were promised",
            lambda: lambda_.update_function_configuration(
                FunctionName=outputs.worker_function, Timeout=deployed_timeout
            ),
        )
    visibility = int(stage.visibility_timeout.total_seconds())
    deployed_visibility = _parameter(stage, "VisibilityTimeout")
    if visibility != deployed_visibility:
        yield Setting(
            "The queue's VisibilityTimeout",
            visibility,
            deployed_visibility,
            "a message comes back too early or too late",
            lambda: sqs.set_queue_attributes(
                QueueUrl=outputs.queue_url, Attributes={"VisibilityTimeout": str(deployed_visibility)}
            ),
        )


def _settings_of(stage: Stage, mapping: EventSourceMappingConfigurationResponseTypeDef) -> Iterator[Setting]:
    concurrency, batch_size = _parameter(stage, "WorkerConcurrency"), _parameter(stage, "WorkerBatchSize")
    # A stack that was deployed before the parameter existed has no window.
    window = round(number(stage.stack.parameters, "WorkerBatchWindow") or 0)
    worker = stage.outputs.worker_function

    def update(**settings: Any) -> Callable[[], object]:
        return lambda: stage.target.lambda_.update_event_source_mapping(UUID=stage.outputs.worker_source, **settings)

    function = mapping.get("FunctionArn", "").partition(":function:")[2]
    filters: Mapping[str, Any] = mapping.get("FilterCriteria") or {}
    settings = (
        Setting(
            "The event source mapping's function",
            function,
            worker,
            "another function gets the tasks",
            update(FunctionName=worker),
        ),
        Setting(
            "The event source mapping's BatchSize",
            mapping.get("BatchSize"),
            batch_size,
            "an invocation gets another number of tasks",
            update(BatchSize=batch_size),
        ),
        Setting(
            "The event source mapping's MaximumBatchingWindowInSeconds",
            mapping.get("MaximumBatchingWindowInSeconds", 0),
            window,
            "tasks wait longer for their batch to fill, or share it with fewer",
            update(MaximumBatchingWindowInSeconds=window),
        ),
        Setting(
            "The event source mapping's FunctionResponseTypes",
            list(mapping.get("FunctionResponseTypes") or []),
            RESPONSE_TYPES,
            "messages of tasks that wait for a retry are deleted",
            update(FunctionResponseTypes=RESPONSE_TYPES),
        ),
        Setting(
            "The event source mapping's MaximumConcurrency",
            (mapping.get("ScalingConfig") or {}).get("MaximumConcurrency"),
            concurrency or None,
            "more or fewer batches run at the same time",
            update(ScalingConfig={"MaximumConcurrency": concurrency} if concurrency else {}),
        ),
        Setting(
            "The event source mapping's FilterCriteria",
            filters.get("Filters") or [],
            [],
            "messages that do not match are deleted",
            update(FilterCriteria={}),
        ),
    )
    return (setting for setting in settings if setting.actual != setting.deployed)


def _parameter(stage: Stage, name: str) -> int:
    value = number(stage.stack.parameters, name)
    if value is None:
        raise FtaskError(
            f"Stack {stage.target.stack_name} has no parameter {name}.",
            f"Deploy the stage with this ftask: {command_on(stage.target, 'deploy')}",
        )
    return round(value)
