"""What a month costs, against sums made by hand; and the quantities, against what the core writes."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ftask.bench import footprint
from ftask.bench.estimate import WAYS, Load, Month, estimate
from ftask.bench.prices import Prices
from ftask.core import transitions
from ftask.core.item import task_to_item
from ftask.core.metrics import METRICS
from ftask.core.model import Lease
from ftask.core.payload_item import MAX_INLINE_BYTES, OVERHEAD_BYTES, payload_item_of, payload_to_item
from tests.support.builders import LARGE_PAYLOAD, a_large_task, a_running_task, a_task
from tests.support.clock import EPOCH
from tests.support.resources import template
from tests.support.runs import a_history

PRICES = Prices()


def month_of(
    tasks: float, payload_bytes: int, prices: Prices = PRICES, *, dashboard: bool = False, **load: Any
) -> Month:
    """A month of so many tasks with payloads of this size."""
    return estimate(Load(tasks_per_month=tasks, payload_bytes=payload_bytes, **load), prices, dashboard=dashboard)


def quantities(month: Month, way: str) -> dict[str, float]:
    """The quantity of each item, for one way to submit."""
    (bill,) = (bill for bill in month.ways if bill.name == way)
    return {item.name: item.quantity for item in bill.items}


@pytest.mark.parametrize(
    ("payload_bytes", "units"),
    # A longer payload than 512 bytes is written once, with 93 bytes beside it.
    [(0, 3), (512, 3), (513, 3 + 1), (931, 3 + 1), (932, 3 + 2), (10_240, 3 + 11), (262_144, 3 + 257)],
)
def test_a_write_is_billed_by_the_whole_item_in_kilobytes(payload_bytes: int, units: int) -> None:
    month = month_of(1, payload_bytes)
    assert quantities(month, "one by one")["DynamoDB writes"] == units


def test_a_payload_of_its_own_is_written_once_and_read_at_each_attempt() -> None:
    month = month_of(1, 10_000, error_rate=0.5)
    counted = quantities(month, "one by one")
    # 10,093 bytes in an item of its own; 1.5 attempts of two writes; a quarter of the tasks in the index.
    assert counted["DynamoDB writes"] == 10 + 1 + 2 * 1.5 + 0.25
    assert counted["DynamoDB reads"] == 3 * 1.5
    small = quantities(month_of(1, 512), "one by one")
    assert (small["DynamoDB writes"], small["DynamoDB reads"]) == (3, 0)
    kept = month.standing.items[0].quantity
    assert kept == pytest.approx(30 * 12 / 365 * (100 + 200 + 1.5 * 200 + 10_193 * 46 / 30) / 2**30, abs=1e-9)


def test_a_month_without_errors_by_hand() -> None:
    # A million tasks of 500 bytes, one by one: a request and a batch of its own for each.
    month = month_of(1e6, 500)
    (one, tens, hundreds) = month.ways
    counted = quantities(month, "one by one")
    assert counted["API requests"] == 1e6
    assert counted["Lambda invocations"] == 2e6
    assert counted["SQS requests"] == 3e6  # send, receive, delete
    assert counted["DynamoDB writes"] == 3e6
    usd = {item.name: item.usd for item in one.items}
    priced = [usd[name] for name in ("API requests", "Lambda invocations", "SQS requests", "DynamoDB writes")]
    assert priced == pytest.approx([1.00, 0.40, 1.20, 1.875])
    in_tens = quantities(month, "in tens")
    assert in_tens["API requests"] == 1e5
    assert in_tens["Lambda invocations"] == 2e5
    assert in_tens["SQS requests"] == 3e5
    assert in_tens["DynamoDB writes"] == 3e6
    in_hundreds = quantities(month, "in hundreds")
    assert in_hundreds["API requests"] == 1e4
    # Ten messages go in one request of SQS.
    assert in_hundreds["SQS requests"] == 3e5
    assert one.usd > tens.usd > hundreds.usd


def test_errors_cost_attempts_retries_dead_letters_and_index_writes() -> None:
    month = month_of(1e6, 100, error_rate=0.5, max_attempts=3)
    # 1 + 0.5 + 0.25 attempts, 0.75 retries, 0.125 tasks failed.
    counted = quantities(month, "one by one")
    assert counted["DynamoDB writes"] == 1e6 * (1 + 2 * 1.75 + 0.125)
    assert counted["SQS requests"] == 1e6 * (1 + 2 * 1.75 + 0.75 + 0.125)
    assert counted["Lambda invocations"] == 1e6 * (1 + 1.75)


def test_large_payloads_fill_requests_earlier() -> None:
    # 3 MiB of 256 KiB payloads: eleven in a request, with what each entry has beside its payload; six units of 512 KB.
    month = month_of(1100, 256 * 1024)
    assert quantities(month, "in hundreds")["API requests"] == 100 * 6
    assert quantities(month, "one by one")["API requests"] == 1100


def test_work_of_the_tasks_counts_once_a_batch() -> None:
    def gb_seconds(seconds: float, way: str) -> float:
        return quantities(month_of(1000, 0, task_seconds=seconds), way)["Lambda duration"]

    assert gb_seconds(4.0, "one by one") - gb_seconds(0.0, "one by one") == pytest.approx(1000 * 4 * 0.25)
    assert gb_seconds(4.0, "in tens") - gb_seconds(0.0, "in tens") == pytest.approx(100 * 4 * 0.25)


def test_an_idle_stage_costs_its_alarms_and_what_its_pollers_ask() -> None:
    month = month_of(0, 500)
    # Ten alarms, and five pollers that ask three times a minute.
    assert month.idle.usd == pytest.approx(10 * 0.10 + 5 * 3 * 60 * 730 * 0.40 / 1e6)
    assert {bill.total_usd for bill in month.ways} == {month.idle.usd}
    assert month_of(0, 500, dashboard=True).idle.usd == pytest.approx(month.idle.usd + 3.00)
    assert month.json()["ways"][0]["usdPerMillion"] is None


def test_the_table_holds_the_tasks_of_thirty_days() -> None:
    month = month_of(1e6 * 365 / 12 / 30, 100 * 1024)
    stored, backup, _ = month.standing.items
    # A payload is kept for 46 days.
    task, payload = 100 + 200 + 200, (100 + 93 + 100 * 1024) * 46 / 30
    assert stored.quantity == pytest.approx(1e6 * (task + payload) / 2**30)
    assert [stored.usd, backup.usd] == pytest.approx([stored.quantity * 0.25, stored.quantity * 0.20])


def test_a_metric_is_billed_for_the_hours_in_which_it_has_values() -> None:
    def metrics(tasks: float, **load: Any) -> float:
        return month_of(tasks, 0, **load).standing.items[2].quantity

    assert metrics(0) == 0
    assert metrics(73, task_types=0) == pytest.approx(4 * 0.1)
    assert metrics(1e6, task_types=0) == 4
    # With errors all the time: three more, and for each of two types two and two more.
    assert metrics(1e6, error_rate=0.3, task_types=2) == 4 + 3 + 2 * 4


def test_the_prices_are_those_that_are_given() -> None:
    twice = month_of(1e6, 100, Prices(dynamodb_million_write_units=1.25))
    assert twice.ways[0].usd - month_of(1e6, 100).ways[0].usd == pytest.approx(3 * 0.625)


def test_the_stack_has_the_alarms_that_are_priced() -> None:
    resources = template()["Resources"].values()
    assert sum(resource["Type"] == "AWS::CloudWatch::Alarm" for resource in resources) == footprint.ALARMS
    days = template()["Parameters"]["TaskRetentionDays"]["Default"]
    assert days == footprint.TASK_RETENTION_DAYS
    batch = template()["Parameters"]["WorkerBatchSize"]["Default"]
    assert {way.messages_per_batch for way in WAYS} == {1, batch}


def test_the_functions_write_the_metrics_that_are_priced() -> None:
    # Those of a healthy stage, those of failures, and three that only trouble brings.
    trouble = {"DuplicatesIgnored", "LeasesLost", "Malformed", "WorkersLost"}
    # `Failed` is written twice, with and without the type of error; a cancelled task is trouble's too.
    usual = {"Accepted", "Completed", "AttemptDuration", "QueueWait"}
    assert usual | trouble <= METRICS
    assert len(usual) == footprint.METRICS
    assert METRICS - usual - trouble >= {"Retried", "Failed"}


def item_bytes(value: Any) -> int:
    """The size of an item as DynamoDB bills it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """

    def size(typed: dict[str, Any]) -> int:
        ((kind, content),) = typed.items()
        if kind == "N":
            return (len(content.strip("-0.")) + 1) // 2 + 1
        if kind == "M":
            return 3 + item_bytes(content) + len(content)
        return 3 + sum(size(part) + 1 for part in content) if kind == "L" else len(content.encode())

    return sum(len(name) + size(typed) for name, typed in value.items())


@pytest.mark.parametrize("outcomes", [[True], [False, True], [False, False], [False] * 5])
def test_an_item_has_the_size_that_is_priced(outcomes: list[bool]) -> None:
    task = replace(a_history(outcomes), payload="", expires_at=a_task().created_at + timedelta(days=30))
    priced = footprint.ITEM_BYTES + footprint.ATTEMPT_BYTES * len(outcomes)
    assert item_bytes(task_to_item(task)) == pytest.approx(priced, rel=0.15)
    submitted = item_bytes(task_to_item(replace(a_task(), payload="")))
    assert submitted == pytest.approx(footprint.ITEM_BYTES, rel=0.15)


# What a signed request of a service leaves in the access log.
ACCESS = {
    "requestId": "XyZAbC1doAMEV6A=",
    "requestTime": "25/Nov/2026:08:15:21 +0000",
    "identity.sourceIp": "203.0.113.77",
    "identity.userArn": "arn:aws:sts::123456789012:assumed-role/orders-service-production/i-0123456789abcdef0",
    "routeKey": "POST /tasks",
    "status": "202",
    "responseLatency": "37",
}


def test_a_line_of_the_access_log_has_the_size_that_is_priced() -> None:
    text = template()["Resources"]["ApiStage"]["Properties"]["AccessLogSettings"]["Format"]
    line = re.sub(r"\$context\.([\w.]+)", lambda found: ACCESS.get(found[1], "-"), text)
    assert len(line) + footprint.LOG_ENTRY_BYTES == pytest.approx(footprint.ACCESS_LOG_BYTES, rel=0.1)


def test_a_payloads_item_has_the_size_that_is_priced() -> None:
    # A number that ends in a zero takes a byte less.
    priced = len(LARGE_PAYLOAD.encode()) + OVERHEAD_BYTES
    assert item_bytes(payload_to_item(a_large_task())) == pytest.approx(priced, abs=1)


def test_a_task_with_the_longest_payload_inside_of_its_item_takes_three_units() -> None:
    payload = "x" * MAX_INLINE_BYTES
    began = a_running_task(payload=payload, payload_hash="ab" * 16, type="t" * 32, lease=Lease("ab" * 8, EPOCH))
    done = transitions.completed(began, '{"message":"done"}', EPOCH)
    assert payload_item_of(payload, EPOCH, timedelta(days=30)) is None
    assert 900 < item_bytes(task_to_item(done)) <= 1024


def test_a_task_that_a_schedule_makes_costs_a_firing_and_its_writes_and_nothing_of_the_api() -> None:
    free = Prices(lambda_gb_second=0, logs_gb=0)
    # A firing; its message is sent, received and deleted; an invocation; the record, two items in a transaction, begin
    # and settle.
    by_hand = 1.00 + 3 * 0.40 + 0.20 + (1 + 2 * 2 + 2) * 0.625
    assert month_of(0, 500, free).usd_per_million_firings == pytest.approx(by_hand)
    worker = footprint.WORKER_INVOCATION_LOG_BYTES + footprint.ATTEMPT_LOG_BYTES + footprint.OWN_TYPE_LOG_BYTES
    with_logs = month_of(0, 500, Prices(lambda_gb_second=0)).usd_per_million_firings
    assert with_logs - by_hand == pytest.approx(worker * 1e6 / 2**30 * 0.50)
