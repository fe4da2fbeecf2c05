"""The real thing, hurt: killed workers, hangs, failing calls, duplicates, redeployments, a poller that stops."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from ftask.client.requests import TaskRequest
from ftask.core.errors import FtaskError
from ftask.core.model import WORKER_LOST, Status
from ftask.core.workload import CRASH_EXIT_CODE
from tests.chaos.site import Site
from tests.chaos.verdict import judge
from tests.support.figures import Record
from tests.support.waiting import PATIENCE_SECONDS, until

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("chaos")]

# What is submitted; each run also has one CRASH and one HANG, which take the rest of their batch with them.
MESSAGES = ("hello", "hello", "hello", "ERROR", "SLOW:1", "SLOW:1", "SUCCESS")
CLIENTS = 6
PAUSE_SECONDS = 0.5
SHARE_DELIVERED_TWICE = 0.4


class Clients:
    """Submit tasks until they are told to stop, and remember those that were answered 202."""

    def __init__(self, site: Site, rng: Random) -> None:
        self.accepted: list[str] = []
        self.duplicates = 0
        self._stopped = threading.Event()
        self._site = site
        self._rng = rng
        self._first = ["HANG", "CRASH"]
        self._threads = [threading.Thread(target=self._submit, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _submit(self) -> None:
        while not self._stopped.wait(PAUSE_SECONDS):
            message = self._first.pop() if self._first else self._rng.choice(MESSAGES)
            try:
                answer = self._site.api.submit(TaskRequest(f'{{"message": "{message}"}}', uuid.uuid4().hex))
            except FtaskError:
                continue  # not accepted, and the client knows
            self.accepted.append(answer.task_id)
            if self._rng.random() < SHARE_DELIVERED_TWICE:
                # At once, so that two workers may hold it at the same time.
                self._site.deliver_again(answer.task_id)
                self.duplicates += 1


def test_nothing_is_lost_and_nothing_runs_twice_at_once_whatever_is_done_to_it(
    site: Site, record_property: Record, pytestconfig: pytest.Config
) -> None:
    clients = Clients(site, Random(site.rng.random()))

    def duplicate() -> None:
        if clients.accepted:
            site.deliver_again(site.rng.choice(clients.accepted))
            clients.duplicates += 1

    def outage() -> None:
        site.proxy.outage = True
        time.sleep(0.7)
        site.proxy.outage = False

    def pause() -> None:
        site.consume(enabled=False)
        time.sleep(0.5)
        site.consume(enabled=True)

    hurts: list[Callable[[], None]] = [site.kill_a_worker, site.kill_a_worker, duplicate, outage, pause]
    site.proxy.rate = 0.1
    ends = time.monotonic() + pytestconfig.getoption("--chaos-seconds")
    redeployed = False
    # On a busy machine the time may be over before a worker was there to be killed.
    while time.monotonic() < ends or (not site.kills and time.monotonic() < ends + PATIENCE_SECONDS):
        if not redeployed and time.monotonic() > ends - pytestconfig.getoption("--chaos-seconds") / 2:
            site.deploy("BackoffCapSeconds=3", "ErrorRate=0.5", "MaxAttempts=3")
            redeployed = True
        site.rng.choice(hurts)()
        time.sleep(0.4)
    clients.stop()
    site.proxy.rate = 0.0

    accepted = clients.accepted
    until(lambda: all(task.status.terminal for task in site.tasks(accepted).values()), "every task has ended")
    until(site.queue_is_empty, "the queue is empty")
    log = list(site.worker_log())
    verdict = judge(accepted, site.tasks(accepted), site.letters(), log)

    record_property("tasks accepted", len(accepted))
    record_property("kills", site.kills)
    record_property("hangs", 1)
    record_property("faults", site.proxy.harmed.total())
    record_property("duplicates", clients.duplicates)
    record_property("lost", len(verdict.lost))
    record_property("overlapping runs", len(verdict.overlapping))
    record_property("without a terminal state", len(verdict.open))
    assert verdict.good, verdict
    # A chaos in which nothing happened shows nothing.
    assert len(accepted) > 10
    assert site.kills
    assert site.proxy.harmed
    assert any(event["event"] == "finished" for event in log)


def test_a_task_that_kills_its_worker_fails_as_lost_with_a_dead_letter(site: Site) -> None:
    done = site.cli("submit", "--message", "CRASH", "--wait", "-o", "json")
    assert done.code == 3
    task = done.json
    assert (task["status"], task["attempts"]) == (Status.FAILED, task["maxAttempts"])
    assert task["lastError"]["type"] == WORKER_LOST
    # Only the first one took its worker along.
    assert [attempt["outcome"] for attempt in task["history"]] == ["LOST", "FAILED", "FAILED"]
    assert task["lastError"]["message"] == f"The process of the attempt ended with exit code {CRASH_EXIT_CODE}."
    until(lambda: (task["taskId"], 0) in set(site.letters()), "the dead letter is there")


def test_bad_tasks_hurt_nobody_but_themselves(site: Site, tmp_path: Path, record_property: Record) -> None:
    """Each ends the worker that it runs in, with all that run beside it."""
    messages = [*["SLOW:1"] * 12, "SUCCESS", "SUCCESS", "CRASH", "HANG"]
    site.rng.shuffle(messages)
    file = tmp_path / "tasks.jsonl"
    file.write_text("".join(f'{{"message": "{message}"}}\n' for message in messages))
    done = site.cli("submit", "--file", str(file), "--wait", "-o", "json")
    assert done.code == 3
    ended = {True: Counter[str](), False: Counter[str]()}
    for task in done.json:
        ended[task["payload"]["message"] in ("CRASH", "HANG")][task["status"]] += 1
    record_property("innocents that failed", ended[False]["FAILED"])
    assert ended == {True: Counter(FAILED=2), False: Counter(COMPLETED=14)}
    lost = [attempt for task in done.json for attempt in task["history"] if attempt.get("outcome") == "LOST"]
    assert any(attempt.get("counted") is False for attempt in lost)


def test_an_outage_costs_no_attempt_and_the_worker_does_not_spin(site: Site) -> None:
    site.consume(enabled=False)
    api = site.api
    ids = [api.submit(TaskRequest('{"message": "SUCCESS"}', uuid.uuid4().hex)).task_id for _ in range(5)]
    failed_before = sum(event["event"] == "infrastructureFailed" for event in site.worker_log())
    site.proxy.outage = True
    try:
        site.consume(enabled=True)
        until(lambda: _failures(site) >= failed_before + len(ids), "the worker has met the outage")
    finally:
        site.proxy.outage = False
    until(lambda: all(task.status.terminal for task in site.tasks(ids).values()), "every task has ended")
    tasks = site.tasks(ids).values()
    assert {(task.status, task.attempts) for task in tasks} == {(Status.COMPLETED, 1)}
    # One failure a task and delivery, and a delivery comes only after a visibility timeout.
    assert _failures(site) - failed_before <= 3 * len(ids)


def _failures(site: Site) -> int:
    return sum(event["event"] == "infrastructureFailed" for event in site.worker_log())
