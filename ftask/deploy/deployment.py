"""One deployment from end to end: repair, plan, then run the plan or drop it.

Only `repair` and `run` change anything; a plan that is dropped leaves nothing behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ftask.aws.target import Target
from ftask.deploy import apply, artifacts, existing, package
from ftask.deploy.artifacts import CodeLocation
from ftask.deploy.events import StackEvent
from ftask.deploy.existing import Existing
from ftask.deploy.package import Archive
from ftask.deploy.plan import Plan, discard_plan, make_plan


@dataclass
class Deployment:
    """What is deployed where.

    `overrides` are parameters that get another value than they have; `own_bucket` is a bucket of the team's for the
    code archive, None for ftask's.
    """

    target: Target
    overrides: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    own_bucket: str | None = None
    sleep: Callable[[float], None] = time.sleep

    @cached_property
    def archive(self) -> Archive:
        return package.build_archive()

    @cached_property
    def code(self) -> CodeLocation:
        return artifacts.locate(self.target, self.archive, self.own_bucket)

    def existing(self) -> Existing:
        """Return the stack as it is before the deployment, with the repair that it may need first.

        Raises:
            FtaskError: another deployment is running, or the stack has to be removed first.
        """
        return existing.find_existing(self.target)

    def repair(self, before: Existing) -> None:
        """Carry out the repair that the stack needs before it takes a change set."""
        if before.stack is not None and before.repair is not None:
            existing.carry_out(before.repair, self.target, before.stack.stack_id, self.sleep)

    def plan(self) -> Plan:
        """Let CloudFormation compute what the deployment would change.

        Raises:
            FtaskError: the parameters are wrong, or the stack cannot be changed in its state.
        """
        return make_plan(self.target, package.read_template(), self.code, self.overrides, self.tags, self.sleep)

    def drop(self, plan: Plan) -> None:
        """Leave no trace of the plan."""
        discard_plan(self.target, plan)

    def upload(self) -> bool:
        """Put the code where the plan expects it; return False if it was there before."""
        return artifacts.upload(self.target, self.archive, self.code)

    def run(self, plan: Plan) -> Iterator[StackEvent]:
        """Run the plan, whose code has been uploaded, and yield the events.

        Raises:
            DeploymentError: it failed, and CloudFormation rolled it back.
        """
        yield from apply.apply(self.target, plan, self.sleep)
