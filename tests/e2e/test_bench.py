"""The experiment through the installed command: on a healthy stage, on other settings, on broken workers."""

from __future__ import annotations

import html
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ftask.aws.stack import deployed_stack
from ftask.aws.stage import Stage
from ftask.bench import footprint
from ftask.bench.prices import Prices
from ftask.bench.usage import measure
from ftask.core.timestamps import from_iso
from tests.support.browser import chromium
from tests.support.changed_worker import append_to_worker
from tests.support.cli import Cli
from tests.support.engines import local_target, running
from tests.support.runs import a_bill, result
from tests.support.waiting import until

# Appended to the worker's module; each breaks one promise, the same way at every run.
LOSES_ONE_IN_A_HUNDRED = """
import json as _json
from ftask.core.transitions import Acknowledge as _Acknowledge, Begun as _Begun
_begin = Executor._begin
def _forgets(executor, *how):
    decision = _begin(executor, *how)
    forgotten = isinstance(decision, _Begun) and _json.loads(decision.task.payload)["task"] % 100 == 7
    return _Acknowledge("forgotten") if forgotten else decision
Executor._begin = _forgets
"""
IGNORES_BACKOFF = """
from dataclasses import replace as _replace
from ftask.core import transitions
_failed_attempt = transitions.failed_attempt
def _hasty(task, error, now, *rest, **more):
    after = _failed_attempt(task, error, now, *rest, **more)
    return after if after.next_attempt_at is None else _replace(after, next_attempt_at=now)
transitions.failed_attempt = _hasty
"""


@pytest.mark.engine
def test_a_healthy_stage_keeps_its_promises(deployed: Cli, tmp_path: Path) -> None:
    saved = tmp_path / "run.json"
    done = deployed("bench", "--tasks", "120", "--save", str(saved), "-o", "json")
    assert done.code == 0
    report = done.json
    assert json.loads(saved.read_text()) == report
    assert report["tasks"] == report["completed"] + report["failed"] == 120
    assert (report["lost"], report["open"], report["overAttempts"], report["broken"]) == (0, 0, 0, [])
    assert report["deadLetters"] == report["failed"]
    assert report["attemptErrorRate"]["expected"] == 0.3
    assert report["failedShare"]["expected"] == pytest.approx(0.09)
    assert all(delay["outside"] == delay["tooEarly"] == 0 for delay in report["delays"])
    # Following a task takes a fraction of a request, not one a second.
    assert report["statusReads"] < 120
    items = {item["name"]: item["quantity"] for item in report["cost"]["batched"]["items"]}
    assert items["API requests"] == 12
    # One unit to accept a task, two an attempt, one to list a failure in the index; on a busy engine a
    # delivery may come early and be refused, or an invocation's last lines come with the next one.
    writes = 120 + 2 * report["attemptErrorRate"]["attempts"] + report["failed"]
    assert items["DynamoDB writes"] == pytest.approx(writes, rel=0.1)
    assert report["cost"]["batched"]["usd"] < report["cost"]["unbatched"]["usd"]
    assert (report["cost"]["durations"], report["cost"]["tasksPerRequest"]) == ("estimate", 10)
    assert_log_sizes_are_as_priced(deployed, report)
    again = deployed("bench", "compare", str(saved), str(saved), "-o", "json").json
    assert not any(difference["moreThanNoise"] for difference in again["differences"])


def assert_log_sizes_are_as_priced(engine: Cli, report: Any) -> None:
    """What the functions logged in a run is what `ftask bench cost` prices."""
    stage = Stage(local_target(engine), deployed_stack(local_target(engine)))
    tasks, attempts = report["tasks"], report["attemptErrorRate"]["attempts"]

    def as_priced() -> bool:
        logged = measure(stage, from_iso(report["startedAt"]), tasks, attempts)
        api, worker = (function.log_bytes - function.platform_bytes for function in (logged.api, logged.worker))
        retries, failed = attempts - tasks, min(report["failed"], logged.worker.invocations)
        return bool(
            api
            == pytest.approx(
                logged.api.invocations * footprint.API_INVOCATION_LOG_BYTES + tasks * footprint.ACCEPTED_LOG_BYTES,
                rel=0.15,
            )
            and worker
            == pytest.approx(
                logged.worker.invocations * footprint.WORKER_INVOCATION_LOG_BYTES
                + attempts * footprint.ATTEMPT_LOG_BYTES
                + retries * footprint.RETRY_LOG_BYTES
                + failed * footprint.FAILED_LOG_BYTES,
                rel=0.15,
            )
        )

    until(as_priced, "all lines are in the logs, and as long as they are priced")


@pytest.mark.engine
def test_other_settings_are_expected_and_arrivals_keep_to_a_rate(own_engine: Cli) -> None:
    settings = ("ErrorRate=0.5", "MaxAttempts=4", "BackoffBaseSeconds=0")
    own_engine("deploy", "--yes", *(part for setting in settings for part in ("--param", setting)))
    done = own_engine("bench", "--tasks", "60", "--rate", "40", "--seed", "3", "-o", "json")
    assert done.code == 0
    report = done.json
    assert report["attemptErrorRate"]["expected"] == 0.5
    assert report["failedShare"]["expected"] == pytest.approx(0.0625)
    assert [count["attempts"] for count in report["attempts"]] == [1, 2, 3, 4]
    assert report["throughput"]["acceptedPerSecond"] < 80
    assert_a_run_ends_with_its_engine(own_engine)


def assert_a_run_ends_with_its_engine(engine: Cli) -> None:
    """An engine that dies ends the run at once, with what was seen until then."""
    run = engine.start("bench", "--tasks", "5000", "--message", "SUCCESS", "-o", "json")
    assert run.stderr is not None
    assert any("COMPLETED" in line for line in run.stderr)
    os.kill(running(engine).pid, signal.SIGKILL)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 1
    report = json.loads(out)
    assert (report["stopped"], report["verdict"], report["broken"]) == ("the stage stopped answering", "incomplete", [])
    assert report["tasks"] > 0
    assert (report["lost"], report["cost"]) == (0, None)
    error = json.loads(err.splitlines()[-1])["error"]
    assert error["message"].startswith("The run ended early: Could not connect to")
    assert "The local engine has ended" in error["hint"]
    assert "Traceback" not in err


@pytest.mark.engine
@pytest.mark.whole
def test_a_broken_worker_is_caught(own_engine: Cli) -> None:
    own_engine("deploy", "--yes", "--param", "BackoffBaseSeconds=3")
    append_to_worker(own_engine, LOSES_ONE_IN_A_HUNDRED)
    done = own_engine("bench", "--tasks", "110", "-o", "json")
    assert done.code == 1
    assert done.json["lost"] == 2
    assert [promise.split(":")[0] for promise in done.json["broken"]] == ["2 tasks lost"]
    append_to_worker(own_engine, IGNORES_BACKOFF)
    done = own_engine("bench", "--tasks", "20", "--message", "ERROR", "-o", "json")
    assert done.code == 1
    assert done.json["delays"][0]["tooEarly"] > 0
    assert "began before the backoff was over" in " ".join(done.json["broken"])


@pytest.mark.engine
def test_ctrl_c_stops_submitting_and_reports_what_there_is(deployed: Cli) -> None:
    run = deployed.start("bench", "--tasks", "5000", "--rate", "50", "-o", "json")
    assert run.stderr is not None
    assert "submitted" in run.stderr.readline()
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    report = json.loads(out)
    assert (report["stopped"], report["verdict"]) == ("interrupted", "incomplete")
    assert 0 < report["tasks"] < 5000
    assert report["broken"] == []
    assert "Traceback" not in err


@pytest.mark.engine
def test_a_time_limit_ends_it(deployed: Cli) -> None:
    done = deployed("bench", "--tasks", "3", "--message", "SLOW:8", "--timeout", "1", "-o", "json")
    assert done.code == 4
    assert (done.json["open"], done.json["lost"], done.json["verdict"]) == (3, 0, "incomplete")
    assert "3 tasks had not ended" in done.err


@pytest.mark.engine
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--message", "CRASH"), 1, "takes the other tasks of its batch"),
        (("--rate", "5", "--concurrency", "2"), 2, "Give either --rate, or --concurrency"),
        (("--prices", "/nowhere.toml"), 2, "cannot be read"),
        (("--report", "/nowhere/report.html"), 1, "Cannot write /nowhere/report.html"),
        (("--tasks", "0"), 2, "--tasks"),
        (("compare", "/nowhere.json", "/nowhere.json"), 2, "cannot be read"),
        (("cost", "--payload", "1MB"), 2, "Invalid --payload '1MB': expected a size of up to 256KB"),
        (("cost", "--tasks-per-month", "many"), 2, "Invalid --tasks-per-month 'many': expected a number"),
        (("cost", "--prices", "/nowhere.toml"), 2, "cannot be read"),
        (("sweep", "--attempts", "5..1"), 2, "Invalid --attempts '5..1': expected numbers from 1 to 100"),
        (("sweep", "--error-rate", "1.5"), 2, "Invalid --error-rate '1.5': expected numbers from 0 to 1"),
    ],
)
def test_what_makes_no_sense_is_told(deployed: Cli, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = deployed("bench", *arguments)
    assert done.code == code
    assert says in done.err
    assert done.out == ""


@pytest.mark.engine
def test_a_paused_stage_is_no_place_for_an_experiment(deployed: Cli) -> None:
    deployed("pause")
    try:
        done = deployed("bench", "--tasks", "1")
        assert done.code == 1
        assert "ftask resume" in done.err
    finally:
        deployed("resume")


def test_a_sweep_agrees_with_the_closed_forms(cli_without_engine: Cli) -> None:
    done = cli_without_engine(
        "bench", "sweep", "--error-rate", "0.3,0.5", "--attempts", "1..3", "--simulate", "-n", "500"
    )
    assert done.code == 0
    table = cli_without_engine("bench", "sweep", "--error-rate", "0.3", "--attempts", "2", "-o", "json").json
    assert table[0]["expected"]["failedShare"] == pytest.approx(0.09)
    assert "simulated" not in table[0]


def test_a_month_is_priced_without_a_stage(cli_without_engine: Cli) -> None:
    month = cli_without_engine(
        "bench", "cost", "--tasks-per-month", "5e6", "--payload", "2KB", "--errors", "0.1", "-o", "json"
    ).json
    assert (month["tasksPerMonth"], month["payloadBytes"]) == (5_000_000, 2048)
    assert [way["name"] for way in month["ways"]] == ["one by one", "in tens", "in hundreds"]
    assert month["ways"][0]["totalUsd"] > month["ways"][2]["totalUsd"] > 5
    assert month["prices"] == Prices().model_dump()


def test_a_report_of_no_result_writes_no_page(cli_without_engine: Cli, tmp_path: Path) -> None:
    page = tmp_path / "run.html"
    done = cli_without_engine("bench", "report", __file__, "--to", str(page))
    assert done.code == 2
    assert "is not a result" in done.err
    assert not page.exists()


def test_the_schema_describes_a_result(cli_without_engine: Cli) -> None:
    described = cli_without_engine("bench", "schema").json
    assert described["properties"]["attemptErrorRate"]["$ref"].endswith("/Rate")
    assert set(described["required"]) <= result().json().keys()


def clipped(folder: Path, pages: list[Path], width: int) -> list[str]:
    """The elements of pages that are `width` pixels wide which are wider than there is room for, as tags with text."""
    frames = [
        f'<iframe style="width: {width}px; border: 0" srcdoc="{html.escape(page.read_text())}"></iframe>'
        for page in pages
    ]
    script = """<pre></pre><script>onload = () => {
      const wide = [];
      for (const frame of document.querySelectorAll("iframe")) {
        const page = frame.contentDocument, room = page.documentElement.clientWidth;
        for (const each of page.body.querySelectorAll("*:not(svg *)")) {
          const isCut = getComputedStyle(each).display !== "inline" && each.scrollWidth > each.clientWidth + 1;
          if (isCut || each.getBoundingClientRect().right > room + 1)
            wide.push(each.tagName + " " + each.textContent.trim());
        }
        wide.push(page.title);
      }
      document.querySelector("pre").textContent = JSON.stringify(wide);
    }</script>"""
    (folder / "frames.html").write_text(f"<!doctype html>{''.join(frames)}{script}")
    shown = chromium(folder, "--dump-dom", (folder / "frames.html").as_uri()).decode()
    wide: list[str] = json.loads(html.unescape(shown[shown.rindex("<pre>") + 5 : shown.rindex("</pre>")]))
    return wide


def test_a_report_has_room_on_a_phone(cli_without_engine: Cli, tmp_path: Path) -> None:
    saved, page, compared = tmp_path / "run.json", tmp_path / "run.html", tmp_path / "compared.html"
    saved.write_text(json.dumps(result(cost=a_bill()).json()))
    assert cli_without_engine("bench", "report", str(saved), "--to", str(page)).code == 0
    runs = (str(saved), str(saved))
    assert cli_without_engine("bench", "compare", *runs, "--report", str(compared), "-o", "json").code == 0
    # Nothing is wider than the screen, or than the part of the page that it is in: what is left are the titles.
    left = clipped(tmp_path, [page, compared], 390)
    assert [title.split(" · ")[0] for title in left] == ["ftask bench", "ftask bench compare"]


@pytest.mark.parametrize(
    ("scheme", "paper", "completed"),
    [(1, (255, 255, 255), (0x2F, 0x9E, 0x5B)), (0, (0x14, 0x17, 0x1A), (0x3F, 0xA9, 0x68))],
)
def test_the_report_draws_in_a_real_browser(
    cli_without_engine: Cli, tmp_path: Path, scheme: int, paper: Any, completed: Any
) -> None:
    from PIL import Image

    saved, page, picture = tmp_path / "run.json", tmp_path / "run.html", tmp_path / "run.png"
    saved.write_text(json.dumps(result().json()))
    assert cli_without_engine("bench", "report", str(saved), "--to", str(page)).code == 0
    chromium(
        tmp_path,
        f"--blink-settings=preferredColorScheme={scheme}",
        "--window-size=1000,1600",
        f"--screenshot={picture}",
        page.as_uri(),
    )
    with Image.open(picture) as image:
        colours = {colour: count for count, colour in image.convert("RGB").getcolors(maxcolors=1 << 24) or []}
    assert colours.get(paper, 0) > 10_000
    # The completed tasks are the largest area of a plot.
    assert colours.get(completed, 0) > 5_000
