"""A deployed stack whose functions speak to AWS through the faulty proxy, and what can be done to it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from ftask.aws.api import ApiClient
from ftask.aws.stack import StackOutputs, deployed_stack
from ftask.aws.target import Target
from ftask.core.codec import MalformedMessageError, decode_message, encode_message
from ftask.core.dynamodb import DynamoStore
from ftask.core.model import Message, Task
from ftask.core.sqs import SqsDeadLetterReader
from tests.chaos.proxy import FaultyProxy
from tests.support.cli import Cli

# Shorter than the template allows, so that a killed worker's lease ends soon: a chaos is mostly waiting for leases.
TIMEOUT_SECONDS = 6
VISIBILITY_SECONDS = 8


@dataclass
class Site:
    """The stack of a test, and the hand that hurts it."""

    cli: Cli
    target: Target
    proxy: FaultyProxy
    rng: Random
    kills: int = 0
    _outputs: StackOutputs | None = field(default=None)

    @property
    def outputs(self) -> StackOutputs:
        self._outputs = self._outputs or deployed_stack(self.target).outputs
        return self._outputs

    @property
    def api(self) -> ApiClient:
        return ApiClient(self.target, self.outputs.api_url)

    def deploy(self, *parameters: str) -> None:
        """Deploy, or redeploy, and put the proxy between the functions and AWS again."""
        done = self.cli("deploy", "--yes", *(word for value in parameters for word in ("--param", value)))
        assert done.code == 0, done.err
        for function in (self.outputs.api_function, self.outputs.worker_function):
            configuration = self.target.lambda_.get_function_configuration(FunctionName=function)
            variables = configuration["Environment"]["Variables"] | {"AWS_ENDPOINT_URL": self.proxy.url}
            timeout = TIMEOUT_SECONDS if function == self.outputs.worker_function else configuration["Timeout"]
            self.target.lambda_.update_function_configuration(
                FunctionName=function, Environment={"Variables": variables}, Timeout=timeout
            )
        self.target.sqs.set_queue_attributes(
            QueueUrl=self.outputs.queue_url, Attributes={"VisibilityTimeout": str(VISIBILITY_SECONDS)}
        )

    def kill_a_worker(self) -> None:
        """SIGKILL one process that runs the worker function, whatever it is doing."""
        workers = list(self._worker_processes())
        if workers:
            with suppress(ProcessLookupError):
                os.kill(self.rng.choice(workers), signal.SIGKILL)
                self.kills += 1

    def deliver_again(self, task_id: str) -> None:
        """What SQS may do at any time: one more delivery of the same message."""
        self.target.sqs.send_message(QueueUrl=self.outputs.queue_url, MessageBody=encode_message(Message(task_id)))

    def consume(self, *, enabled: bool) -> None:
        """Enable or disable the poller."""
        self.target.lambda_.update_event_source_mapping(UUID=self.outputs.worker_source, Enabled=enabled)

    def queue_is_empty(self) -> bool:
        answer = self.target.sqs.get_queue_attributes(
            QueueUrl=self.outputs.queue_url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )
        return set(answer["Attributes"].values()) == {"0"}

    def tasks(self, task_ids: list[str]) -> dict[str, Task]:
        store = DynamoStore(lambda: self.target.dynamodb, self.outputs.table)
        return {task.task_id: task for task in store.get_many(task_ids)}

    def letters(self) -> Iterator[tuple[str, int]]:
        """Task and epoch of each dead letter; they are hidden for a minute by that."""
        box = SqsDeadLetterReader(lambda: self.target.sqs, self.outputs.dead_letter_queue_url)
        while letters := box.receive():
            for letter in letters:
                with suppress(MalformedMessageError):
                    message = decode_message(letter.body)
                    yield message.task_id, message.epoch

    def worker_log(self) -> Iterator[dict[str, Any]]:
        """The structured events that the worker logged."""
        pages = self.target.logs.get_paginator("filter_log_events").paginate(logGroupName=self.outputs.worker_log_group)
        for page in pages:
            for line in page["events"]:
                with suppress(ValueError):
                    event = json.loads(line["message"])
                    if isinstance(event, dict) and "event" in event:
                        yield event

    def _worker_processes(self) -> Iterator[int]:
        mine = f"AWS_LAMBDA_FUNCTION_NAME={self.outputs.worker_function}".encode()
        root = str(self.cli.environment["FTASK_STATE_DIR"]).encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                variables = (folder / "environ").read_bytes().split(b"\0")
                if mine in variables and root in (folder / "cmdline").read_bytes():
                    yield int(folder.name)
