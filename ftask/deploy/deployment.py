"""One deployment from end to end: build, plan, then run the plan or drop it.

Only `upload` and `run` change anything; a plan that is dropped leaves nothing behind.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from textwrap import indent

from ftask.aws import stack
from ftask.aws.errors import translate_aws_errors
from ftask.aws.parameters import Severity, contradictions
from ftask.aws.stack import deployed_stack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.aws.worker_check import WorkerCheck
from ftask.core.errors import FtaskError
from ftask.core.local_stage import LOCAL_ACCOUNT, is_local, secret_path
from ftask.core.manifest import TaskType
from ftask.deploy import apply, artifacts
from ftask.deploy.api_check import await_api
from ftask.deploy.artifacts import CodeLocation, Uploaded
from ftask.deploy.build import Code, Say, build_code
from ftask.deploy.changes import compare, deployed_types, schedule_changes
from ftask.deploy.existing import find_existing
from ftask.deploy.parameters import time_shortages
from ftask.deploy.plan import (
    Plan,
    dropped_unless_begun,
    make_plan,
    plan_parameters,
)
from ftask.deploy.platforms import Platform, host_platform, lambda_platform
from ftask.deploy.policies import SUBMITS, TasksPolicy, key_statements, read_policy, secrets_statements
from ftask.deploy.project import Project
from ftask.deploy.stack_events import StackEvent
from ftask.deploy.template import template_with


def provide(target: Target, buckets: Iterable[str], secrets: Mapping[str, str]) -> None:
    """Make the buckets that are missing, and give each secret its value; secrets are by environment variable."""
    with translate_aws_errors():
        if buckets:
            existing = {bucket.get("Name") for bucket in target.s3.list_buckets()["Buckets"]}
            for bucket in buckets:
                if bucket not in existing:
                    target.s3.create_bucket(Bucket=bucket)
        for variable, value in secrets.items():
            target.ssm.put_parameter(
                Name=secret_path(target.stage_name, variable), Value=value, Type="SecureString", Overwrite=True
            )


def require_local_secrets(stage: str, arns: Mapping[str, str]) -> None:
    """Refuse a secret that lies in an account of AWS, which no worker of the local engine can read.

    Raises:
        FtaskError: there is one.
    """
    for variable, arn in arns.items():
        if arn.split(":")[4] != LOCAL_ACCOUNT:
            raise FtaskError(
                f"The secret {variable} has no value on the stage {stage!r}: {arn} is in an account of AWS.",
                f'Give it one for this machine in ftask.toml:\n[local.secrets]\n{variable} = "…"',
            )


def final_template(project: Project | None, types: Iterable[TaskType], warn: Say) -> str:
    """Return the template with the policy of the project's tasks and secrets, and the schedules of its types.

    `warn` gets what is doubtful about the policy.

    Raises:
        FtaskError: the policy is invalid, or the template too large.
    """
    if project is None:
        return template_with(())
    policy = TasksPolicy() if project.policy is None else read_policy(project.policy)
    for warning in policy.warnings:
        warn(warning)
    return template_with(
        (*policy.statements, *secrets_statements(project.secrets), *(SUBMITS if project.submits else ())), types
    )


@dataclass
class Deployment:
    """What is deployed where.

    `overrides` are parameters that get another value than they have; `project` has the user's own tasks, None without;
    `own_bucket` is a bucket of the team's for the code archives, None for ftask's. `role_arn` is the service role in
    whose name CloudFormation works, None for the caller's; a stack keeps its role. With `protected` the stack is
    protected from deletion once it is deployed. `python` imports the tasks;
    `upgrade` installs the newest dependencies. `local_buckets` and `local_secrets` are made on the local engine.
    `progress` gets the output of installers, `warn` what is doubtful about the tasks.
    """

    target: Target
    overrides: Mapping[str, str]
    project: Project | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    own_bucket: str | None = None
    role_arn: str | None = None
    protected: bool = False
    sleep: Callable[[float], None] = time.sleep
    python: str = sys.executable
    upgrade: bool = False
    local_buckets: Sequence[str] = ()
    local_secrets: Mapping[str, str] = field(default_factory=dict)
    progress: Say = lambda line: None
    warn: Say = lambda line: None
    _keeps_code: bool = field(default=False, init=False)

    def build(self) -> None:
        """Build the code and read the policy, so that what is wrong with them is known before anything changes.

        Raises:
            FtaskError: the code cannot be built, the module cannot be imported, or the policy is invalid.
        """
        if self.project is not None and is_local(self.target.stage_name) and self.target.is_emulated:
            require_local_secrets(self.target.stage_name, self.project.secrets)
        _ = self.template, self.code

    @cached_property
    def template(self) -> str:
        return final_template(self.project, self.code.types, self.warn)

    @cached_property
    def platform(self) -> Platform:
        """Where the functions will run: a parameter that is not given stays as deployed."""
        if self.target.is_emulated:  # it runs them with the Python of this machine
            return host_platform()
        before = stack.find_stack(self.target)
        return lambda_platform({**(before.parameters if before else {}), **self.overrides})

    @cached_property
    def code(self) -> Code:
        return build_code(
            self.project,
            self.platform,
            self.target.region_name,
            python=self.python,
            upgrade=self.upgrade,
            progress=self.progress,
            warn=self.warn,
        )

    @cached_property
    def location(self) -> CodeLocation:
        return artifacts.locate(self.target, self.code, self.own_bucket)

    def plan(self) -> Plan:
        """Let CloudFormation compute what the deployment would change, and check that the account is ready for it.

        What is doubtful about the parameters is warned of.

        Raises:
            FtaskError: the parameters are wrong, or the stack cannot be changed in its state. No plan is left behind.
        """
        plan = self._plan()
        if plan.creates_stack and self.target.is_emulated:
            self.progress("The plan of an emulator also lists resources that these parameters switch off.")
        if plan.changes:
            with dropped_unless_begun(self.target, plan):
                for shortage in time_shortages(plan.parameters, self.code.types):
                    self.warn(shortage)
                self._warn_of_zones(plan)
                self._check_account(plan)
        return plan

    def _plan(self) -> Plan:
        existing = find_existing(self.target)
        parameters = {**(existing.parameters if existing else {}), **self.overrides}
        if self.project is not None and self.project.submits and parameters.get("ApiAuthorization") == "JWT":
            raise FtaskError(
                "Cannot deploy tasks with submits = true to an API with ApiAuthorization=JWT: a worker signs what it"
                " submits with its role, and has no bearer token.",
                "Add --param ApiAuthorization=AWS_IAM, or remove submits from ftask.toml.",
            )
        types = () if existing is None else deployed_types(existing)
        if self.project is None and existing is not None and types != ():
            self._keeps_code = True
            if self.overrides.get("PythonVersion", known := existing.parameters.get("PythonVersion")) != known:
                raise FtaskError(
                    f"Cannot change PythonVersion: the code of {self.target.stage_name} is built for Python {known}.",
                    "Run the command in the folder of the project, which has the ftask.toml.",
                )
            self.warn(
                f"Stage {self.target.stage_name} has tasks of its own, and no ftask.toml with [tasks] is here: its code"
                " and its template stay as they are, only parameters change. To have none, remove the stage first:"
                f" {stack.command_on(self.target, 'remove')}"
            )
            return plan_parameters(self.target, self.overrides, self.role_arn, self.sleep)
        plan = make_plan(
            self.target, self.template, self.location, self.overrides, self.tags, self.role_arn, self.sleep
        )
        if types is None or not plan.changes:
            return plan
        if existing is None or existing.is_data_only:
            return replace(plan, schedules=schedule_changes((), self.code.types))
        return replace(
            plan,
            types=compare(existing, types, self.code.types),
            schedules=schedule_changes(types, self.code.types),
        )

    def _warn_of_zones(self, plan: Plan) -> None:
        zoned = [change.name for change in plan.schedules if change.after and change.after.timezone != "UTC"]
        if zoned and self.target.is_emulated:
            self.warn(f"The local engine fires every schedule in UTC, whatever its time zone: {', '.join(zoned)}.")

    def _check_account(self, plan: Plan) -> None:
        key_arn = plan.parameters.get("KmsKeyArn")
        if key_arn and plan.deployed.get("KmsKeyArn") != key_arn:
            self.warn(self._what_key_needs(key_arn, alarms=plan.parameters.get("Alarms") == "true"))
        try:
            limit = self.target.concurrency_limit()
        except FtaskError:
            return  # it is only a warning that is missed
        for problem in contradictions(plan.parameters, limit):
            if problem.severity is Severity.WARNING:
                self.warn(f"{problem.message} {problem.advice}")

    def _what_key_needs(self, key_arn: str, *, alarms: bool) -> str:
        target = self.target
        needed = key_statements(
            target.stack_name, target.partition, target.region_name, self.location.account, alarms=alarms
        )
        return (
            f"The policy of the key {key_arn} must let CloudWatch use it, or the deployment fails at the log groups and"
            " alarms stay silent. Add what is missing of these statements (aws kms put-key-policy):\n"
            + json.dumps(needed, indent=2)
        )

    def upload(self) -> Iterator[Uploaded]:
        """Put the code where the plan expects it, and yield each archive."""
        provide(self.target, self.local_buckets, self.local_secrets)  # a new worker reads its secrets at once
        if not self._keeps_code:
            yield from artifacts.upload(self.target, self.code, self.location)

    def run(self, plan: Plan) -> Iterator[StackEvent]:
        """Begin to run the plan, whose code has been uploaded, and return the events.

        The events raise:
            DeploymentError: it failed, and CloudFormation rolled it back.
        """
        return self._protecting(apply.apply(self.target, plan, self.sleep))

    def _protecting(self, events: Iterator[StackEvent]) -> Iterator[StackEvent]:
        yield from events
        self.protect()

    def protect(self) -> None:
        """Protect the stack of a protected stage from deletion. Never the reverse: `ftask remove` does that."""
        if self.protected:
            apply.set_termination_protection(self.target, enabled=True)

    def await_api(self, plan: Plan, url: str) -> FtaskError | None:
        """Wait until the API at `url` answers; return what it answered last if that takes too long."""
        tokens = plan.parameters.get("ApiAuthorization") == "JWT"
        return await_api(self.target, url, tokens=tokens, note=self.progress, sleep=self.sleep)

    def check(self) -> WorkerCheck:
        """Ask the deployed worker whether it can run tasks.

        Raises:
            FtaskError: it cannot be asked.
        """
        provide(self.target, self.local_buckets, self.local_secrets)
        return Stage(self.target, deployed_stack(self.target)).check_worker()

    def require_worker(self) -> WorkerCheck:
        """Return what the deployed worker says of itself.

        Raises:
            DeploymentError: it cannot run tasks.
            FtaskError: it cannot be asked.
        """
        checked = self.check()
        if checked.failures:
            raise apply.DeploymentError(
                f"The worker is deployed, and cannot run tasks:\n{indent(checked.whole_text, '  ')}",
                f"Tasks wait in the queue, and use up no attempt. {checked.advice(self.target)}",
            )
        return checked
