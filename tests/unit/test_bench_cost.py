"""What a run costs: counted from logs, priced from a list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ftask.bench import footprint
from ftask.bench.cost import cost
from ftask.bench.prices import Prices, read_prices
from ftask.bench.usage import FunctionUsage, RunUsage, add_up
from ftask.core.errors import FtaskError
from tests.support.runs import a_setup

SETUP = a_setup(memory_mb=(512, 1024))


def logged(*messages: str | dict[str, Any]) -> FunctionUsage:
    """The usage in these log entries."""
    texts = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    return add_up([{"timestamp": number, "message": text, "eventId": str(number)} for number, text in enumerate(texts)])


WORKER_LINES: list[str | dict[str, Any]] = [
    {"event": "finished", "taskId": "a"},
    {"event": "attemptLost", "taskId": "b"},
    {"event": "started", "taskId": "c"},
    {"event": "finished", "taskId": "c"},
    {
        "event": "invocation",
        "busyMs": 160.0,
        "records": 2,
        "recordsMs": 300.0,
        "sqsCalls": 1,
        "writeUnits": 4,
        "AttemptDuration": [3, 4],
    },
]
TEXT_REPORT = "REPORT RequestId: 1\tDuration: 180.2 ms\tBilled Duration: 181 ms\tMemory Size: 256 MB"
JSON_REPORT = {
    "type": "platform.report",
    "record": {"requestId": "1", "metrics": {"durationMs": 180.2, "billedDurationMs": 181}},
}


@pytest.mark.parametrize("report", [TEXT_REPORT, JSON_REPORT])
def test_usage_is_read_from_either_form_of_lambdas_logs(report: str | dict[str, Any]) -> None:
    usage = logged("START RequestId: 1 Version: $LATEST", *WORKER_LINES, report)
    assert (usage.invocations, usage.billed_ms, usage.records, usage.records_ms) == (1, 181, 2, 300)
    assert (usage.reported, usage.summed, usage.busy_ms) == (1, 1, 160)
    assert (usage.finished, usage.lost, usage.attempts, usage.summed_finished) == (2, 1, 3, 2)
    assert (usage.write_units, usage.read_units, usage.sqs_calls) == (4, 0, 1)


def test_a_worker_that_was_killed_is_counted_by_lambdas_report() -> None:
    killed = {"type": "platform.report", "record": {"status": "timeout", "metrics": {"billedDurationMs": 20_000}}}
    raised = {"type": "platform.report", "record": {"status": "failure", "metrics": {"billedDurationMs": 170}}}
    usage = logged(*WORKER_LINES, *WORKER_LINES, raised, killed)
    assert (usage.invocations, usage.killed, usage.killed_ms, usage.busy_ms) == (3, 1, 20_000, 320)
    worker_seconds = cost_quantity(RunUsage(FunctionUsage(), usage, complete=True), "Lambda duration")
    assert worker_seconds == pytest.approx((320 + 20_000) / 1000)


def cost_quantity(usage: RunUsage, name: str) -> float:
    bills = cost(usage, 10, SETUP, Prices())
    assert bills is not None
    return next(item.quantity for item in bills.batched.items if item.name == name)


def test_an_entry_that_comes_twice_counts_once() -> None:
    entry = {"timestamp": 1, "message": '{"event": "accepted"}', "eventId": "1"}
    usage = add_up([entry, entry])
    assert usage.accepted == 1
    assert usage.log_bytes == len(entry["message"]) + 26  # type: ignore[arg-type]


def a_usage() -> RunUsage:
    """Ten requests to the API, and ten records in two invocations of the worker."""
    api = FunctionUsage(reported=10, summed=10, billed_ms=1000, busy_ms=900, accepted=10, write_units=10)
    api.log_bytes = 2**20
    api.sqs_calls = 10
    worker = FunctionUsage(
        reported=2,
        billed_ms=1000,
        summed=2,
        busy_ms=800,
        records=10,
        records_ms=2000,
        write_units=20,
        log_bytes=2**20,
        platform_bytes=2**17,
        summary_bytes=2**17,
    )
    worker.sqs_calls = 1
    return RunUsage(api, worker, complete=True)


def test_the_bill_is_counted_quantities_times_prices() -> None:
    prices = Prices()
    bills = cost(a_usage(), 10, SETUP, prices)
    assert bills is not None
    quantities = {item.name: item.quantity for item in bills.batched.items}
    access_gb = 10 * footprint.ACCESS_LOG_BYTES / 2**30
    assert quantities == {
        "API requests": 10,
        "Lambda invocations": 12,
        "Lambda duration": pytest.approx(1 * 0.5 + 1 * 1),
        "SQS requests": 11 + 2 * 2,
        "DynamoDB writes": 30,
        "DynamoDB reads": 0,
        "Logs": pytest.approx(2 / 1024),
        "Access log": pytest.approx(access_gb, abs=1e-9),
    }
    unbatched = {item.name: item.quantity for item in bills.unbatched.items}
    assert unbatched["Lambda invocations"] == 20
    assert unbatched["Lambda duration"] == pytest.approx(0.5 + 2)
    assert unbatched["SQS requests"] == 11 + 2 * 10
    assert unbatched["Logs"] == pytest.approx((2 + 4 * 0.25) / 1024)
    assert bills.batched.usd == pytest.approx(
        (10 * 1.00 + 12 * 0.20 + 15 * 0.40 + 30 * 0.625) / 1e6
        + 1.5 * prices.lambda_gb_second
        + (2 / 1024 + access_gb) * 0.50
    )
    assert bills.batched.usd_per_million == pytest.approx(bills.batched.usd * 100_000)
    assert (bills.records_per_batch, bills.tasks_per_request) == (5, 10)
    assert (bills.durations, bills.measured_on, bills.local_gb_seconds) == ("platform report", "AWS", None)


def test_without_lambdas_reports_the_functions_own_clock_counts() -> None:
    usage = a_usage()
    usage.worker.reported = 0
    bills = cost(usage, 10, SETUP, Prices())
    assert bills is not None
    assert bills.durations == "function's clock"
    quantities = {item.name: item.quantity for item in bills.batched.items}
    assert quantities["Lambda invocations"] == 12
    assert quantities["Lambda duration"] == pytest.approx(1 * 0.5 + 0.8 * 1)


def test_what_a_local_machine_took_is_told_and_not_priced() -> None:
    slow, quick = a_usage(), a_usage()
    slow.worker.billed_ms, slow.worker.records_ms, slow.api.billed_ms = 90_000, 90_000, 90_000
    setup = a_setup(emulated=True)
    of_slow, of_quick = (cost(usage, 10, setup, Prices()) for usage in (slow, quick))
    assert of_slow is not None
    assert of_quick is not None
    assert (of_slow.batched, of_slow.unbatched) == (of_quick.batched, of_quick.unbatched)
    assert of_slow.durations == "estimate"
    assert of_slow.local_gb_seconds == pytest.approx(180 / 1024 * 256)
    quantities = {item.name: item.quantity for item in of_slow.batched.items}
    # Ten requests of ten tasks, two batches of five messages, at 256 MB.
    estimated_ms = 10 * footprint.api_ms(10, 256) + 2 * footprint.worker_ms(5, 256)
    assert quantities["Lambda duration"] == pytest.approx(estimated_ms / 1000 * 0.25)
    # Without the emulator's own lines.
    assert quantities["Logs"] == pytest.approx((2 * 2**20 - 2**17) / 2**30)


def test_the_months_of_the_stage_are_told_beside_the_tasks() -> None:
    with_all = cost(a_usage(), 10, a_setup(dashboard=True), Prices())
    without = cost(a_usage(), 10, a_setup(alarms=False), Prices())
    assert with_all is not None
    assert without is not None
    assert {item.name: round(item.usd, 2) for item in with_all.monthly} == {
        "Alarms": 1.00,
        "Empty receives": 0.26,
        "Dashboard": 3.00,
        "Custom metrics": 2.10,
    }
    assert {item.name: round(item.usd, 2) for item in without.monthly} == {
        "Alarms": 0.0,
        "Empty receives": 0.26,
        "Custom metrics": 2.10,
    }


def test_what_others_did_meanwhile_is_taken_off() -> None:
    half = FunctionUsage(reported=10, billed_ms=100, finished=40, sqs_calls=4).scaled(0.5)
    assert (half.invocations, half.billed_ms, half.sqs_calls) == (5, 50, 2)


def test_without_logs_there_is_no_bill() -> None:
    assert cost(RunUsage(FunctionUsage(), FunctionUsage(), complete=False), 10, SETUP, Prices()) is None


def test_prices_come_from_a_file_where_it_has_them(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('region = "eu-central-1"\nsqs_million_requests = 0.5\n')
    prices = read_prices(str(path))
    assert (prices.region, prices.sqs_million_requests, prices.logs_gb) == ("eu-central-1", 0.5, Prices().logs_gb)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sqs_milion_requests = 1", "sqs_milion_requests"),
        ("logs_gb = -1", "logs_gb"),
        ("logs_gb = ", "is not TOML"),
        (None, "cannot be read"),
    ],
)
def test_an_unusable_price_list_is_an_error(text: str | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(FtaskError, match=says):
        read_prices(str(path))
