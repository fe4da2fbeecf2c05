"""The doctor on a deployed stage: healthy, and with a dead letter missing."""

from __future__ import annotations

import uuid

import pytest

from ftask.aws.stage import Stage
from ftask.core.model import Failure
from ftask.core.timestamps import now
from tests.support.cli import Cli
from tests.support.stages import failed_task, put_failed

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("doctor")]


def test_a_healthy_stage_has_nothing_to_put_right(deployed: Cli, stage: Stage) -> None:
    done = deployed("doctor", "-o", "json")
    assert done.code == 0, done.out
    checks = {finding["check"] for finding in done.json}
    assert checks >= {
        "engine",
        "credentials",
        "clock",
        "stack",
        "start",
        "worker",
        "drift",
        "parameters",
        "permissions",
        "tasks",
    }
    assert {finding["level"] for finding in done.json} == {"ok"}


def test_doctor_puts_letters_right_when_asked(deployed: Cli, stage: Stage) -> None:
    put_failed(stage, failed_task(uuid.uuid4().int, now(), Failure("ValueError", "no")), letter=False)
    planned = deployed("doctor", "--fix", "--dry-run", "-o", "json").json
    assert [finding["repair"] for finding in planned if finding["fixable"]] == ["would be repaired (--dry-run)"]
    assert deployed("dlq", "peek", "-o", "json").json == []
    fixed = deployed("doctor", "--fix", "--yes", "-o", "json").json
    assert [finding["repair"] for finding in fixed if finding["fixable"]] == ["sent 1 dead letter again"]
    assert len(deployed("dlq", "peek", "-o", "json").json) == 1


def test_doctor_puts_back_what_a_deployment_does_not_notice(deployed: Cli, stage: Stage) -> None:
    target, parts = stage.target, stage.outputs
    target.lambda_.update_function_configuration(FunctionName=parts.worker_function, Timeout=3)
    target.sqs.set_queue_attributes(QueueUrl=parts.queue_url, Attributes={"VisibilityTimeout": "1"})
    target.lambda_.delete_event_source_mapping(UUID=parts.worker_source)
    try:
        assert "No changes" in deployed("deploy", "--yes").out
        assert deployed("info", "-o", "json").json["worker"]["state"] == "Missing"
        assert "is gone" in deployed("resume").err
        found = deployed("doctor", "-o", "json")
    finally:
        fixed = deployed("doctor", "--fix", "--yes")
    assert found.code == 1
    assert [finding["check"] for finding in found.json if finding["level"] == "error"] == ["worker"] * 3
    assert fixed.code == 0, fixed.err
    assert "3 repaired, no problems." in fixed.out
    assert {finding["level"] for finding in deployed("doctor", "-o", "json").json} == {"ok"}
    assert deployed("submit", "-m", "SUCCESS", "--wait").code == 0
