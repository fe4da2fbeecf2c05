"""The schedules of a scenario, and every fault at every call of it, alone and in pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice, permutations, product
from random import Random
from typing import NamedTuple

from tests.crash.cloud import Cloud
from tests.crash.stories.story import Scenario
from tests.crash.wire import Fault
from tests.crash.world import Breakage, World

FAULTS = tuple(Fault)
# Orders of several actors that are tried at the most.
MAX_SCHEDULES = 40
# So many calls after a fault are its recovery, in which a second one strikes; a story may go on long afterwards.
LONGEST_RECOVERY = 10
# Orders that a usual run draws by chance besides those with one interruption, and more choices than any order has.
DRAWN_SCHEDULES = 2
LONGEST_ORDER = 100
# After so many of its calls no actor is interrupted in a usual run, except by chance.
LONGEST_INTERRUPTED = 6
# Where several actors move, an actor that dies before a call is one that is never chosen again; throttles and lost
# answers are explored with one actor alone.
FAULTS_AMONG_ACTORS = (Fault.DIE_AFTER,)
# A second fault is a death: what matters is whether the recovery from the first can itself be interrupted.
SECOND_FAULT = Fault.DIE_AFTER
# What a usual run has for a call besides a death after it. A death before it is mostly one after the call before.
TURNS = (Fault.LOSE_ANSWER, Fault.THROTTLE, Fault.FAIL_AFTER)
# A lost answer that the SDK repeats changes nothing about a read.
READS = frozenset({"GetItem", "BatchGetItem", "ReceiveMessage"})


@dataclass
class Report:
    """What an exploration did and found. A violation says how to replay it."""

    crash_points: int = 0
    schedules: int = 0
    violations: list[str] = field(default_factory=list)


class Order(NamedTuple):
    """The choices of an order and the world that they led to; `strikes` says whether faults are tried in it."""

    choices: list[int]
    world: World
    strikes: bool


def explore(scenario: Scenario, cloud: Cloud, breakage: Breakage | None = None, *, whole: bool = False) -> Report:
    """Run the scenario in many ways.

    A usual run strikes each call by a death after it and by one other fault; the calls of an operation take turns with
    these. `whole` asks for every fault at each call, for every order of several actors, and for a death during the
    recovery from each usual fault in every story of one actor.
    With a `breakage`, the search ends at the first violation.
    """
    report = Report()
    depth = scenario.depth
    if whole and scenario.actors == 1 and scenario.depth:
        depth = 2
    every = whole
    for _ in _explorations(scenario, cloud, breakage or Breakage(), report, depth, every):
        if breakage is not None and report.violations:
            break
    return report


def replay(
    scenario: Scenario,
    cloud: Cloud,
    breakage: Breakage,
    faults: dict[int, Fault],
    choices: Sequence[int] = (),
) -> World:
    """One run. A fault that never strikes is an error of the exploration itself."""
    world = World(cloud, faults, choices, breakage)
    try:
        scenario.tell(world)
        world.check()
    finally:
        cloud.wire = None
    if set(faults.values()) <= {Fault.LOSE_ANSWER} and scenario.ends is not None:
        # Nothing has died: a lost answer must not change how the story ends.
        ends = {task.status for task in cloud.tasks().values()}
        if ends != {scenario.ends}:
            world.violations.append(f"ends {', '.join(sorted(ends))}, not {scenario.ends}")
    return world


def _explorations(
    scenario: Scenario, cloud: Cloud, breakage: Breakage, report: Report, depth: int, every: bool
) -> Iterator[None]:
    if scenario.faults:
        yield from _with_its_own_faults(scenario, cloud, breakage, report, every)
        return
    orders = _every_order if every or scenario.departures is not None else _some_orders
    turns = defaultdict[str, Iterator[Fault]](lambda: cycle(TURNS))
    struck: set[tuple[tuple[int, ...], int]] = set()
    for choices, undisturbed, strikes in orders(scenario, cloud, breakage, {}):
        _record(report, scenario, undisturbed, {}, choices)
        yield
        for index, operation in enumerate(undisturbed.wire.calls if depth and strikes else []):
            # Schedules that agree up to this call are one and the same when the fault strikes.
            prefix = tuple(choices[: undisturbed.wire.decided_before[index]])
            if (prefix, index) in struck:
                continue
            struck.add((prefix, index))
            usual = _usual_faults(scenario, operation, turns[operation])
            for fault in _faults(scenario, operation) if every else usual:
                faults = {index: fault}
                once = replay(scenario, cloud, breakage, faults, prefix)
                report.crash_points += 1
                if scenario.actors == 1 and fault is Fault.LOSE_ANSWER:
                    _compare(once, undisturbed)
                _record(report, scenario, once, faults, prefix)
                yield
                if depth < 2 or fault not in usual:
                    continue
                for later in range(index + 1, min(index + 1 + LONGEST_RECOVERY, len(once.wire.calls))):
                    both = {index: fault, later: SECOND_FAULT}
                    twice = replay(scenario, cloud, breakage, both, prefix)
                    report.crash_points += 1
                    _record(report, scenario, twice, both, prefix)
                    yield


def _faults(scenario: Scenario, operation: str) -> Sequence[Fault]:
    """Everything that may strike a call."""
    if scenario.actors > 1:
        return FAULTS_AMONG_ACTORS
    return [fault for fault in FAULTS if not (fault is Fault.LOSE_ANSWER and operation in READS)]


def _usual_faults(scenario: Scenario, operation: str, turns: Iterator[Fault]) -> Sequence[Fault]:
    """A death after the call, and the fault whose turn it is."""
    faults = _faults(scenario, operation)
    if scenario.actors > 1:
        return faults
    return Fault.DIE_AFTER, next(fault for fault in turns if fault in faults)


def _with_its_own_faults(
    scenario: Scenario, cloud: Cloud, breakage: Breakage, report: Report, every: bool
) -> Iterator[None]:
    """The orders under each fault that the scenario names, at each of its calls."""
    orders = _every_order if every else _some_orders
    calls = len(replay(scenario, cloud, breakage, {}).wire.calls)
    for fault in scenario.faults:
        for index in range(calls):
            faults = {index: fault}
            for choices, world, _ in orders(scenario, cloud, breakage, faults):
                if not world.wire.missed:  # in some orders there are fewer calls
                    report.crash_points += 1
                    _record(report, scenario, world, faults, choices)
                    yield


def _every_order(scenario: Scenario, cloud: Cloud, breakage: Breakage, faults: dict[int, Fault]) -> Iterator[Order]:
    for choices, world in islice(_schedules(scenario, cloud, breakage, faults), MAX_SCHEDULES):
        yield Order(choices, world, strikes=True)


def _some_orders(scenario: Scenario, cloud: Cloud, breakage: Breakage, faults: dict[int, Fault]) -> Iterator[Order]:
    """Orders in which an actor moves as long as it can, others have their turn after each call of it, and some drawn by
    chance, the same in every run of the tests; an order that was run before is not run again.

    Deaths are tried where no actor is interrupted, and in the orders drawn by chance.
    """
    run: list[list[int]] = []
    for choices, strikes in _likely_orders(scenario):
        if any(choices[: len(taken)] == taken for taken in run):
            continue
        world = replay(scenario, cloud, breakage, faults, choices)
        taken = choices[: len(world.options)]
        run.append(taken)
        yield Order(taken, world, strikes)


def _likely_orders(scenario: Scenario) -> Iterator[tuple[list[int], bool]]:
    """Most races need no more than one interruption; a scenario may ask for two."""
    moves = range(LONGEST_INTERRUPTED)
    for first, second in permutations(range(scenario.actors), 2):
        for many in moves:
            yield [first] * many + [second] * LONGEST_ORDER, not many
        if scenario.interrupted_twice:
            for many, others in product(moves, moves):
                yield [first] * many + [second] * others + [first] * LONGEST_ORDER, False
    chance = Random(scenario.name)
    for _ in range(DRAWN_SCHEDULES):
        yield chance.choices(range(scenario.actors), k=LONGEST_ORDER), True


def _schedules(
    scenario: Scenario, cloud: Cloud, breakage: Breakage, faults: dict[int, Fault]
) -> Iterator[tuple[list[int], World]]:
    """Every order in which the actors of a scenario can move, each once: depth first, the last choice varied first.

    A scenario may ask for those alone that leave the first order, in which the first actor moves as long as it can, so
    many times.
    """
    departures = scenario.departures
    choices: list[int] = []
    while True:
        world = replay(scenario, cloud, breakage, faults, choices)
        taken = choices + [0] * (len(world.options) - len(choices))
        yield taken, world
        while taken and (
            taken[-1] + 1 >= world.options[len(taken) - 1]
            or (departures is not None and sum(map(bool, taken[:-1])) >= departures)
        ):
            taken.pop()
        if not taken:
            return
        choices = [*taken[:-1], taken[-1] + 1]


def _compare(once: World, undisturbed: World) -> None:
    """An answer that was lost and a request that was sent again must cost neither attempts nor time."""
    if len(once.witness.runs) != len(undisturbed.witness.runs):
        once.violations.append("a lost answer cost an attempt")
    if once.ended_at != undisturbed.ended_at:
        once.violations.append("a lost answer cost time")


def _record(report: Report, scenario: Scenario, world: World, faults: dict[int, Fault], choices: Sequence[int]) -> None:
    report.schedules += 1
    if world.wire.missed:
        report.violations.append(f"{scenario.name}: the exploration's own fault never struck: {faults}")
    story = "; ".join(
        f"call {index} ({world.wire.calls[index]}): {fault}"
        for index, fault in faults.items()
        if index < len(world.wire.calls)
    )
    report.violations += [
        f"{scenario.name}: {violation} [{story or 'no fault'}; schedule {list(choices)}]"
        for violation in world.violations
    ]
