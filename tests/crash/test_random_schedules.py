"""Random stories: many tasks, workers, operators and faults, in any order. Hypothesis shortens one that fails.

A failure prints the story step by step, and a line with which the same story is told again; `--hypothesis-seed` repeats
a whole run, `--stories` asks for more of them than a usual run tells.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ftask.core.codec import decode_message, encode_message
from ftask.core.errors import IdempotencyConflictError
from ftask.core.model import Delivery, Message
from ftask.core.ports import Job
from ftask.core.sqs import SqsDeadLetterReader
from tests.crash.breakages import BREAKAGES
from tests.crash.cloud import Cloud
from tests.crash.stories.large_payloads import TEXT
from tests.crash.wire import Fault
from tests.crash.world import Breakage, World
from tests.support.figures import Record

STEPS_IN_A_STORY = 60
MAX_TASKS = 6
# Redrives and duplicates make several messages of one task.
DELIVERIES_OF_A_TASK = 60

ACTS = st.lists(st.sampled_from(["ok", "fail", "permanent", "die", "hang"]), min_size=1, max_size=4)
# Mostly none, so that stories get somewhere; otherwise at one of the next calls.
FAULTS = st.none() | st.tuples(st.integers(0, 3), st.sampled_from(list(Fault)))
KEYS = st.none() | st.sampled_from(["a", "b"])
ORDERS = st.lists(st.integers(0, 1), max_size=12)
BY_NAME = {broken.what: broken.breakage for broken in BREAKAGES}
# A sample over all actors, each found within a few stories: what chance sees at once, it may be trusted to see.
FOUND_BY_CHANCE = (
    "begin: a live lease is no obstacle",
    "begin: attempts are not counted against their limit",
    "settle: no letter is sent",
)
Struck = tuple[int, Fault] | None
steps_taken = count()


class ActingWorld(World):
    """A world in which each task brings its own fate along."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.fates: dict[str, list[str]] = {}

    def act_of(self, job: Job) -> object:
        fate = self.fates.get(job.task_id, ["ok"])
        return fate[(job.epoch + job.attempt - 1) % len(fate)]


class Stories(RuleBasedStateMachine):
    """The steps that a story may take."""

    cloud: Cloud
    breakage = Breakage()
    tasks: Bundle[str] = Bundle("tasks")

    @initialize(max_attempts=st.integers(1, 3))
    def begin(self, max_attempts: int) -> None:
        self.world = ActingWorld(self.cloud, breakage=self.breakage, max_attempts=max_attempts)
        self.faults: dict[int, Fault] = {}
        self.world.wire.faults = self.faults
        self.held: list[Delivery] = []

    @precondition(lambda self: len(self.world.fates) < MAX_TASKS)
    @rule(target=tasks, key=KEYS, large=st.booleans(), fate=ACTS, fault=FAULTS)
    def submit(self, key: str | None, large: bool, fate: list[str], fault: Struck) -> Any:
        self._strike(fault)
        # A key has one payload.
        self.world.text = TEXT if (large if key is None else key == "a") else ""
        try:
            task = self.world.submit(message="work" if key is None else key, key=key)
        except IdempotencyConflictError as error:
            raise AssertionError("a key forgot its payload") from error
        if task is None:
            return multiple()
        self.world.fates.setdefault(task.task_id, fate)
        return task.task_id

    @rule(fault=FAULTS, patient=st.booleans())
    def work(self, fault: Struck, patient: bool) -> None:
        delivery = self._delivery(patient)
        if delivery is not None:
            self._strike(fault)
            self.world.work(delivery)

    @rule(order=ORDERS, fault=FAULTS, patient=st.booleans(), more=st.integers(1, 2))
    def one_worker_with_several_messages(self, order: list[int], fault: Struck, patient: bool, more: int) -> None:
        deliveries = [self._delivery(patient), *(self._delivery(patient=False) for _ in range(more))]
        received = [delivery for delivery in deliveries if delivery is not None]
        if received:
            self._strike(fault)
            self._in_order(order)
            self.world.work(*received)

    @rule(fault=FAULTS, which=st.integers(0, 3))
    def work_on_an_old_delivery(self, fault: Struck, which: int) -> None:
        """SQS delivers at least once: somebody may still hold what was received before."""
        if which < len(self.held):
            self._strike(fault)
            self.world.work(self.held[which])

    @rule(task_id=tasks, epochs_ago=st.integers(0, 1))
    def duplicate(self, task_id: str, epochs_ago: int) -> None:
        task = self.world.item(task_id)
        if task is not None:
            self.world.send_raw(encode_message(Message(task_id, max(0, task.epoch - epochs_ago))))

    @rule(order=ORDERS, fault=FAULTS, patient=st.booleans())
    def two_workers_with_one_message_at_once(self, order: list[int], fault: Struck, patient: bool) -> None:
        delivery = self._delivery(patient)
        if delivery is not None:
            self._strike(fault)
            self._in_order(order)
            self.world.at_once(lambda: self.world.work(delivery), lambda: self.world.work(delivery))

    @rule(order=ORDERS, fault=FAULTS, patient=st.booleans())
    def worker_and_redrive_at_once(self, order: list[int], fault: Struck, patient: bool) -> None:
        delivery = self._delivery(patient)
        if delivery is not None:
            self._strike(fault)
            self._in_order(order)
            self.world.at_once(lambda: self.world.work(delivery), self.world.redrive)

    @rule(order=ORDERS, fault=FAULTS, patient=st.booleans())
    def worker_and_cancel_at_once(self, order: list[int], fault: Struck, patient: bool) -> None:
        delivery = self._delivery(patient)
        if delivery is not None:
            task_id = decode_message(delivery.body).task_id
            self._strike(fault)
            self._in_order(order)
            self.world.at_once(lambda: self.world.work(delivery), lambda: self.world.cancel(task_id))

    @rule(fault=FAULTS)
    def redrive(self, fault: Struck) -> None:
        self._strike(fault)
        self.world.redrive()

    @rule(order=ORDERS)
    def two_redrives_at_once(self, order: list[int]) -> None:
        self._in_order(order)
        self.world.at_once(self.world.redrive, self.world.redrive)

    @rule(fault=FAULTS)
    def drain(self, fault: Struck) -> None:
        self._strike(fault)
        self.world.drain()

    @rule(fault=FAULTS)
    def discard(self, fault: Struck) -> None:
        self._strike(fault)
        self.world.discard()

    @rule(task_id=tasks, fault=FAULTS)
    def cancel(self, task_id: str, fault: Struck) -> None:
        self._strike(fault)
        self.world.cancel(task_id)

    @rule(seconds=st.sampled_from([1, 2, 5, 21, SqsDeadLetterReader.VISIBILITY_SECONDS + 1, 121]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_seconds(seconds)

    @invariant()
    def nothing_is_violated(self) -> None:
        next(steps_taken)
        if hasattr(self, "world"):
            self.world.witness.look()
            assert self.world.violations == []

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.faults.clear()
        self.world.until_quiet(DELIVERIES_OF_A_TASK * max(1, len(self.world.cloud.tasks())))
        self.world.check()
        self.cloud.wire = None
        assert self.world.violations == []

    def _delivery(self, patient: bool) -> Delivery | None:
        """What the poller gets: now, or, if it is patient, once something is visible."""
        moment = self.world.cloud.next_visible()
        if patient and moment is not None:
            self.world.clock.now = max(self.world.clock.now, moment + timedelta(milliseconds=1))
        delivery = self.world.cloud.receive()
        if delivery is not None:
            self.held = [*self.held[-3:], delivery]
        return delivery

    def _strike(self, fault: Struck) -> None:
        """Let one of the next calls fail; what was ordered before and never struck is forgotten."""
        self.faults.clear()
        if fault is not None:
            calls, what = fault
            self.faults[len(self.world.wire.calls) + calls] = what

    def _in_order(self, order: list[int]) -> None:
        self.world.choices = [0] * len(self.world.options) + order


def tell(stories: type[Stories], number: int, *, always_the_same: bool) -> None:
    """Tell so many random stories; AssertionError with the shortest one found, if something is violated."""
    run_state_machine_as_test(
        stories,
        settings=settings(
            max_examples=number,
            stateful_step_count=STEPS_IN_A_STORY,
            deadline=None,
            print_blob=True,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            derandomize=always_the_same,
            phases=[Phase.generate] if always_the_same else [Phase.generate, Phase.shrink],
        ),
    )


def test_random_stories_violate_nothing(cloud: Cloud, record_property: Record, pytestconfig: pytest.Config) -> None:
    stories: int = pytestconfig.getoption("--stories")
    Stories.cloud = cloud
    before = next(steps_taken)
    tell(Stories, stories, always_the_same=False)
    record_property("random stories", stories)
    record_property("steps in random stories", next(steps_taken) - before - 1)


@pytest.mark.parametrize("what", FOUND_BY_CHANCE)
def test_random_stories_find_a_broken_protocol(what: str, cloud: Cloud) -> None:
    class Broken(Stories):
        breakage = BY_NAME[what]

    Broken.cloud = cloud
    with pytest.raises(AssertionError):
        tell(Broken, 300, always_the_same=True)
