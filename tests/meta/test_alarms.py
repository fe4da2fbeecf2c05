"""The table of alarms in stack/README.md: each story over the alarms of the template, as CloudWatch evaluates them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ftask.core import metrics
from tests.support.resources import resources_of_type, template

ROOT = Path(__file__).parents[2]
# A metric by its namespace, its name and what it is of; its value in each minute, None without one.
Series = Mapping[tuple[str, str, str], Callable[[int], float | None]]
MAIN, LETTERS = "Queue", "DeadLetterQueue"
ERRORS = ("AWS/Lambda", "Errors", "WorkerFunction")
AGE = ("AWS/SQS", "ApproximateAgeOfOldestMessage", MAIN)
OLDEST_DUE = (metrics.NAMESPACE, "OldestDue", "AWS::StackName")
SENT_LETTERS = ("AWS/SQS", "NumberOfMessagesSent", LETTERS)
VISIBLE_LETTERS = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", LETTERS)


def due(minute: int) -> float | None:
    """What a worker reports that meets, each minute, a task that is due since the first one."""
    return minute * 60.0 if minute >= 1 else None


# By the first words of a line of the table.
STORIES: Mapping[str, Series] = {
    # A message comes back after 30 s. From the third receive on, SQS leaves it out of the age.
    "the worker can never start": {ERRORS: lambda _: 2, AGE: lambda minute: 60.0 if minute == 1 else 0.0},
    "the same, and one message": {ERRORS: lambda minute: 1 if minute % 15 == 0 else None, AGE: lambda _: 0.0},
    "nothing calls the worker": {AGE: lambda minute: minute * 60.0},
    "the worker hands every task back": {OLDEST_DUE: due, AGE: lambda _: 0.0},
    "every attempt of one type fails": {SENT_LETTERS: lambda _: 3, VISIBLE_LETTERS: lambda minute: 3.0 * minute},
    # Which SQS does not count as sent.
    "SQS moves a message": {VISIBLE_LETTERS: lambda _: 1},
    "Lambda throttles the worker": {("AWS/Lambda", "Throttles", "WorkerFunction"): lambda _: 9},
    "DynamoDB throttles writes to the table": {("AWS/DynamoDB", "WriteThrottleEvents", "Table"): lambda _: 9},
    # Which the metric of the table leaves out.
    "DynamoDB throttles writes to the index": {("AWS/DynamoDB", "WriteThrottleEvents", "Table failed"): lambda _: 9},
    "the API answers with errors": {("AWS/ApiGateway", "5xx", "Api"): lambda _: 9},
    "so many tasks back off": {("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", MAIN): lambda _: 110_000},
}


def subject(dimensions: list[dict[str, Any]]) -> str:
    """What a metric is of: the logical ids of its dimensions, or their texts."""
    values = [dimension["Value"] for dimension in dimensions]
    return " ".join(
        value if isinstance(value, str) else value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]
        for value in values
    )


def read(series: Series, metric: Mapping[str, Any], period_minutes: int, end: int) -> float | None:
    """A metric's value in the period that ends at this minute: its sum, or its maximum; None without any."""
    values = series.get((metric["Namespace"], metric["MetricName"], subject(metric["Dimensions"])))
    if values is None:
        return None
    found = [value for minute in range(end - period_minutes, end) if (value := values(minute)) is not None]
    if not found:
        return None
    return sum(found) if metric["Statistic"] == "Sum" else max(found)


def minutes_until(alarm: Mapping[str, Any], series: Series) -> int | None:
    """When the alarm goes off: enough of its last periods are above the threshold. A missing one is not.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
    """
    assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == ("GreaterThanThreshold", "notBreaching")
    period, of = alarm["Period"] // 60, alarm["EvaluationPeriods"]
    assert alarm["Period"] * of <= 86_400, "CloudWatch takes at most a day"
    threshold = alarm["Threshold"]
    if isinstance(threshold, dict):
        threshold = template()["Parameters"][threshold["Ref"]]["Default"]
    breaching: list[bool] = []
    for end in range(period, 120, period):
        value = read(series, alarm, period, end)
        breaching.append(value is not None and value > threshold)
        if sum(breaching[-of:]) >= alarm.get("DatapointsToAlarm", of):
            return end
    return None


def rows() -> list[tuple[str, str, int]]:
    """The lines of the table: the story, the alarm, the minutes."""
    text = (ROOT / "stack" / "README.md").read_text()
    section = text.partition("\n## The alarms\n")[2].partition("\n## ")[0]
    return [
        (story, name, int(minutes))
        for story, name, minutes in re.findall(r"^\| (.+) \| `(\w+)` \| (\d+) \|$", section, re.M)
    ]


@pytest.mark.parametrize(("story", "name", "minutes"), rows())
def test_the_alarm_of_the_table_goes_off_first_and_when_the_table_says(story: str, name: str, minutes: int) -> None:
    (series,) = (series for words, series in STORIES.items() if story.startswith(words))
    times = {
        other: minutes_until(alarm, series) for other, alarm in resources_of_type("AWS::CloudWatch::Alarm").items()
    }
    assert times[name] == minutes
    assert min(time for time in times.values() if time is not None) == minutes


def test_every_alarm_is_in_the_table_and_every_story_too() -> None:
    assert {name for _, name, _ in rows()} == set(resources_of_type("AWS::CloudWatch::Alarm"))
    assert len(rows()) == len(STORIES)


def test_a_worker_that_is_well_sets_off_no_alarm() -> None:
    series: Series = {
        ERRORS: lambda minute: 1 if minute == 30 else None,  # an outage of a minute
        AGE: lambda minute: 20.0,
        OLDEST_DUE: lambda minute: 70.0 if minute % 10 == 0 else None,
    }
    assert [minutes_until(alarm, series) for alarm in resources_of_type("AWS::CloudWatch::Alarm").values()] == [
        None
    ] * 10
