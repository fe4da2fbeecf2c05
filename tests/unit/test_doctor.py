from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import cast

import botocore.session
import pytest
from botocore.stub import Stubber

from ftask.aws.stack import DeployedStack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.model import Status
from ftask.core.timestamps import now
from ftask.ops.doctor import CHECKS
from ftask.ops.finding import Finding, Level
from ftask.ops.overdue_tasks import message_due
from ftask.render.doctor import finding_json
from tests.support.builders import a_running_task, a_task
from tests.support.clock import EPOCH


def test_a_message_is_due_when_its_task_can_go_on() -> None:
    assert message_due(a_task()) == EPOCH
    assert message_due(a_running_task()) == EPOCH + timedelta(seconds=22)
    retrying = a_task(status=Status.RETRYING, next_attempt_at=EPOCH + timedelta(seconds=900))
    assert message_due(retrying) == EPOCH + timedelta(seconds=900)


@pytest.mark.parametrize(
    ("date", "agrees"),
    [
        ("{0}", True),
        # Added by a proxy once more: its zone is lost on Python's parser.
        ("{0}, {0}", True),
        ("Thu, 01 Jan 2026 12:00:00 GMT", False),
        ("soon", None),
        (None, None),
    ],
)
def test_the_clock_is_compared_with_whatever_date_an_answer_has(date: str | None, agrees: bool | None) -> None:
    sts = botocore.session.get_session().create_client(
        "sts", "us-east-1", aws_access_key_id="a", aws_secret_access_key="s"
    )
    headers = {} if date is None else {"date": date.format(format_datetime(now(), usegmt=True))}
    target = Target("prod", region="us-east-1")
    vars(target)["sts"] = sts  # where the cached client would be
    with Stubber(sts) as stubber:
        answer = {
            "Account": "1",
            "Arn": "arn:aws:iam::1:user/u-of-the-test",
            "ResponseMetadata": {"HTTPHeaders": headers},
        }
        stubber.add_response("get_caller_identity", answer)
        findings = list(CHECKS["credentials"](Stage(target, cast("DeployedStack", None))))
    clocks = [finding.level is Level.OK for finding in findings if finding.check == "clock"]
    assert clocks == ([] if agrees is None else [agrees])


def test_a_finding_says_whether_it_can_be_repaired() -> None:
    finding = Finding("tasks", Level.ERROR, "stuck", "do this", lambda: "done")
    assert finding_json(finding, "done") == {
        "check": "tasks",
        "level": "error",
        "message": "stuck",
        "hint": "do this",
        "fixable": True,
        "repair": "done",
    }
