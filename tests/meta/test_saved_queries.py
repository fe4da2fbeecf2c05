"""What the template asks of the logs and of the metrics is what the functions write."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ftask.core import events, metrics
from ftask.core.model import Status
from tests.support.events import events_of_tasks, sums
from tests.support.resources import template

ROOT = Path(__file__).parents[2]
EVENTS = [*events_of_tasks(), *sums()]
LEVELS = {event.level for event in EVENTS}
# In every line: what `log.write` adds, and what CloudWatch does.
EVERYWHERE = {"timestamp", "level", "event", "@timestamp", "@message", "@logStream", "@log"}
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
WORDS = {
    *("fields", "filter", "stats", "sort", "limit", "display", "source"),
    *("and", "or", "not", "in", "like", "by", "as", "asc", "desc"),
    *("count", "sum", "avg", "min", "max", "pct", "latest", "earliest", "ispresent", "bin"),
}


def saved_queries() -> Iterator[tuple[str, str]]:
    """Every query of the logs in the template: the saved ones and those of the dashboard."""
    for name, resource in template()["Resources"].items():
        if resource["Type"] == "AWS::Logs::QueryDefinition":
            yield name, str(resource["Properties"]["QueryString"])
    for widget in widgets():
        if widget["type"] == "log":
            yield widget["properties"]["title"], widget["properties"]["query"]


def widgets() -> list[dict[str, Any]]:
    text, _ = template()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    found: list[dict[str, Any]] = json.loads(text)["widgets"]
    return found


def mistakes(query: str) -> set[str]:
    """The names in a query of the logs that no function writes: events, levels, statuses and fields."""
    wrong = set()
    chosen = set(re.findall(r"\bevent = '(\w+)'", query))
    wrong |= chosen - {event.name for event in EVENTS}
    wrong |= set(re.findall(r"\blevel = '(\w+)'", query)) - LEVELS
    wrong |= set(re.findall(r"\bstatus = '(\w+)'", query)) - set(Status)
    fields = EVERYWHERE.union(*(event.fields for event in EVENTS if not chosen or event.name in chosen))
    unquoted = re.sub(r"'[^']*'", "", query)
    aliases = set(re.findall(r"\bas (\w+)", unquoted))
    names = {name for name in re.findall(r"@?[A-Za-z_]\w*", unquoted) if name.lower() not in WORDS}
    return wrong | (names - aliases - fields)


QUERIES = dict(saved_queries())


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_asks_for_what_the_functions_write(name: str) -> None:
    assert mistakes(QUERIES[name]) == set()


@pytest.mark.parametrize(
    ("query", "mistake"),
    [
        ("filter event = 'ended'", "ended"),
        ("filter event = 'finished' and status = 'DONE'", "DONE"),
        ("filter level = 'FATAL'", "FATAL"),
        ("filter event = 'accepted' | fields @timestamp, taskId, durationMs", "durationMs"),
        ("stats count(*) as failures by errorKind | sort failures desc", "errorKind"),
    ],
)
def test_a_misspelt_query_would_be_noticed(query: str, mistake: str) -> None:
    assert mistakes(query) == {mistake}


def test_there_are_queries_to_look_at() -> None:
    assert len(QUERIES) >= 7


def test_every_event_is_logged_by_somebody() -> None:
    constructors = {
        node.name
        for node in ast.parse(Path(events.__file__).read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }
    folders = (ROOT / "ftask" / "core", ROOT / "ftask" / "tasks", ROOT / "stack" / "handlers")
    sources = [path for folder in folders for path in folder.glob("*.py")]
    called = {name for path in sources for name in re.findall(r"(?<!\.)\bevents\.([a-z_]+)\(", path.read_text())}
    assert called == constructors


def test_the_metrics_of_the_dashboard_and_of_the_alarms_are_those_that_are_written() -> None:
    asked = set()
    for widget in widgets():
        namespace = name = ""
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict):
                asked |= set(re.findall(r'\{ftask,[\w,]+\} MetricName="(\w+)"', metric[0]["expression"]))
                continue
            if metric[0] == "...":
                continue  # the metric before, with another statistic
            namespace = namespace if metric[0] == "." else metric[0]
            name = name if metric[1] == "." else metric[1]
            if namespace == metrics.NAMESPACE:
                asked.add(name)
    for resource in template()["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Alarm" and resource["Properties"]["Namespace"] == metrics.NAMESPACE:
            asked.add(str(resource["Properties"]["MetricName"]))
    written = {name for event in sums() for name in metric_names(event.fields)}
    assert written == metrics.METRICS
    assert written == asked


def metric_names(fields: Any) -> list[str]:
    return [metric["Name"] for directive in fields["_aws"]["CloudWatchMetrics"] for metric in directive["Metrics"]]
