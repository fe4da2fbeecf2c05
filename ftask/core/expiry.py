"""When the items of a task expire: after its last change, and never while a message of it may still arrive.

A payload in a separate item outlives its task, so that a task that can run has its payload. DynamoDB deletes expired
items within days, and not in order. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from ftask.core.model import Task

# A message lives this long (MessageRetentionPeriod in the template). A task ends by then, and is kept from its end.
MESSAGE_LIFE = timedelta(days=14)
# A payload outlives its task by this: a redrive within it extends nothing.
SPARE = timedelta(days=2)


def kept(task: Task, now: datetime, retention: timedelta) -> Task:
    """Return `task`, which changes now: it expires after `retention`, or with its payload if that is earlier."""
    until = _start(task, now) + retention
    return replace(task, expires_at=until if task.payload_item is None else min(until, task.payload_item.expires_at))


def _start(task: Task, now: datetime) -> datetime:
    return max(now, task.next_attempt_at or now)


def payload_expiry(now: datetime, retention: timedelta) -> datetime:
    """Return when a payload expires that outlives every task whose message is sent now."""
    return now + MESSAGE_LIFE + retention + SPARE


def lasting(task: Task, now: datetime, retention: timedelta) -> Task:
    """Return `task` with expiries that outlast a message which is sent now: the same task where they do already."""
    after = with_lasting_payload(task, now, retention)
    if after is task and task.expires_at >= now + MESSAGE_LIFE:
        return task
    return kept(after, now, retention)


def with_lasting_payload(task: Task, now: datetime, retention: timedelta) -> Task:
    """Return `task` with a payload that outlasts the message of its next attempt: the same task where it does."""
    start = _start(task, now)
    payload_item = task.payload_item
    if payload_item is None or payload_item.expires_at >= start + MESSAGE_LIFE + retention:
        return task
    return replace(task, payload_item=replace(payload_item, expires_at=payload_expiry(start, retention)))
