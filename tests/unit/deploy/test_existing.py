from __future__ import annotations

import re

import pytest

from ftask.core.errors import FtaskError
from ftask.deploy.existing import StackRepair, carry_out_repair, find_existing, needed_repair
from ftask.deploy.stack_events import author, new_token
from tests.support.cloudformation import FakeStack, planned_on, target_of


def test_a_second_deployment_is_refused_with_who_and_since_when() -> None:
    stack = FakeStack("UPDATE_IN_PROGRESS")
    stack.token = new_token()
    who = author(stack.token)
    assert who
    with pytest.raises(FtaskError, match=rf"UPDATE_IN_PROGRESS since \d\d:\d\d:\d\d: .* \({who}\)") as refused:
        planned_on(stack)
    assert "cancel-update-stack --stack-name ftask-prod" in str(refused.value.hint)


@pytest.mark.parametrize(
    ("status", "how"),
    [
        ("CREATE_IN_PROGRESS", "again, or stop it with: aws cloudformation delete-stack --stack-name ftask-prod."),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "run the command again."),
        ("DELETE_IN_PROGRESS", "run the command again."),
    ],
)
def test_what_goes_on_is_stopped_in_the_way_that_there_is(status: str, how: str) -> None:
    with pytest.raises(FtaskError) as refused:
        planned_on(FakeStack(status))
    assert str(refused.value.hint).endswith(how)


@pytest.mark.parametrize("status", ["CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_FAILED"])
def test_a_stack_beyond_repair_has_to_be_removed_first(status: str) -> None:
    with pytest.raises(FtaskError, match=status) as refused:
        planned_on(FakeStack(status))
    assert "ftask remove" in str(refused.value.hint)


def test_a_deployment_by_another_tool_is_told_by_its_token() -> None:
    with pytest.raises(FtaskError, match="another tool, with the token token-of-another-tool"):
        planned_on(FakeStack("UPDATE_IN_PROGRESS"))


def test_a_token_is_new_each_time_and_is_one_that_cloudformation_takes() -> None:
    first, second = new_token(), new_token()
    assert first != second
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
    assert re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", first)


@pytest.mark.parametrize(
    ("status", "repair", "call"),
    [
        ("ROLLBACK_COMPLETE", StackRepair.DELETE_EMPTY, "delete_stack"),
        ("UPDATE_ROLLBACK_FAILED", StackRepair.CONTINUE_ROLLBACK, "continue_update_rollback"),
    ],
)
def test_what_a_failed_deployment_left_is_repaired_only_when_that_is_asked_for(
    status: str, repair: StackRepair, call: str
) -> None:
    stack = FakeStack(status)
    target = target_of(stack)
    before = find_existing(target)
    assert before is not None
    assert needed_repair(before) is repair
    with pytest.raises(FtaskError, match=f"{status}: no change can be planned"):
        planned_on(stack)
    assert stack.calls == []
    carry_out_repair(before, sleep=lambda _: None)
    assert stack.calls == [call]


def test_the_shell_of_a_plan_that_nobody_ran_gives_way_to_another_plan() -> None:
    stack = FakeStack("REVIEW_IN_PROGRESS")
    assert planned_on(stack).creates_stack
    assert stack.requested["ChangeSetType"] == "CREATE"
