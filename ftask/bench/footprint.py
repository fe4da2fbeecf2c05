"""What one task uses of AWS: each quantity that a price multiplies, in one place.

The sizes are those of the stack with its defaults, measured on the local engine. Change them here when the functions
write more or less: `tests/unit/test_bench_estimate.py` compares them with items and the access log's format,
`tests/e2e/test_bench.py` with the logs of a run. Times on AWS are estimates.
"""

from __future__ import annotations

import math
from datetime import timedelta

from ftask.core.expiry import MESSAGE_LIFE, SPARE
from ftask.core.payload_item import MAX_INLINE_BYTES, OVERHEAD_BYTES
from ftask.core.threads import CALLS_AT_ONCE

KB = 1024

# DynamoDB bills a write by the whole item, in units of 1 KB, before or after the write, whichever is larger.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
WRITE_UNIT_BYTES = KB
# A strongly consistent read is billed in units of 4 KB.
READ_UNIT_BYTES = 4 * KB
# Each item is stored with 100 bytes for its index.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
STORED_OVERHEAD_BYTES = 100
# An item without its payload when it is submitted, and what each attempt adds to it.
ITEM_BYTES = 200
ATTEMPT_BYTES = 200
# Writes of an attempt: begin, settle.
ATTEMPT_WRITES = 2
# What a firing of a schedule writes: the schedule's record; and in one transaction, at twice the units, the task and
# its lock. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html
FIRING_WRITES = 1 + 2 * 2
# A task that ends FAILED also has an item in the index of failed tasks.
INDEX_UNITS = 1

# An HTTP API bills a request by 512 KB. https://aws.amazon.com/api-gateway/pricing/
API_UNIT_BYTES = 512 * KB
# What a batch has for each task besides its payload.
ENTRY_BYTES = 60
# Messages are far below the 64 KB of one request, and ten go in one. https://aws.amazon.com/sqs/pricing/
MESSAGES_PER_SEND = 10

# CloudWatch Logs adds this to the size of each entry; the sizes below have it.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
LOG_ENTRY_BYTES = 26
# An invocation of the API, each task that it accepts, and a line of the access log (tests/benchmarks/log_bytes.py).
API_INVOCATION_LOG_BYTES = 313
ACCEPTED_LOG_BYTES = 165
ACCESS_LOG_BYTES = 262
# An invocation of the worker, each attempt, each retry, each task that ends FAILED.
WORKER_INVOCATION_LOG_BYTES = 425
ATTEMPT_LOG_BYTES = 485
RETRY_LOG_BYTES = 230
FAILED_LOG_BYTES = 300
# With the user's own types: their sums in each invocation, and the traceback of a failed attempt, of about five frames.
OWN_TYPE_LOG_BYTES = 350
TRACEBACK_LOG_BYTES = 1300

# In every stack: accepted, completed, the duration of attempts, the wait in the queue.
METRICS = 4
# Where attempts fail: retried, failed, failed by type of error.
FAILURE_METRICS = 3
# Each of the user's own types: completed, the duration of attempts; where attempts fail, retried and failed too.
TYPE_METRICS = 2
TYPE_FAILURE_METRICS = 2

ALARMS = 10

# The pollers of an event source mapping whose queue is empty: five, and each of their receives waits 20 seconds.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
POLLERS = 5
LONG_POLL_SECONDS = 20
HOURS_PER_MONTH = 730
TASK_RETENTION_DAYS = 30

# At this memory a function has one whole CPU, with less its share.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
CPU_MEMORY_MB = 1769
# Milliseconds of a whole CPU: a call of AWS (measured by tests/benchmarks/calls.py); an invocation and a task without
# their calls (estimates).
CALL_CPU_MS = 0.4
INVOCATION_CPU_MS = 1.0
TASK_CPU_MS = 0.3
# Milliseconds until AWS answers (estimates). https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Introduction.html
DYNAMODB_MS = 5.0
SQS_MS = 20.0


def write_units(item_bytes: float) -> int:
    """Return the units of writing an item of this size."""
    return max(1, math.ceil(item_bytes / WRITE_UNIT_BYTES))


def placed(payload_bytes: int) -> tuple[int, int]:
    """Return the bytes of a payload in its task's item, and those in a separate item.

    That item is written once, and read at each attempt.
    """
    return (payload_bytes, 0) if payload_bytes <= MAX_INLINE_BYTES else (0, payload_bytes + OVERHEAD_BYTES)


def stored_bytes(payload_bytes: int, attempts: float) -> float:
    """Return what a task takes in the table after its last attempt, for as long as it is kept."""
    inline, separate = placed(payload_bytes)
    # A separate payload is kept longer than its task.
    kept = 1 + (MESSAGE_LIFE + SPARE) / timedelta(days=TASK_RETENTION_DAYS)
    own = kept * (STORED_OVERHEAD_BYTES + separate) if separate else 0
    return STORED_OVERHEAD_BYTES + ITEM_BYTES + ATTEMPT_BYTES * attempts + inline + own


def api_ms(tasks: int, memory_mb: float) -> float:
    """Return how long a request with this number of tasks keeps the API function busy: an estimate."""
    sends = math.ceil(tasks / MESSAGES_PER_SEND)
    cpu_ms = INVOCATION_CPU_MS + (tasks + sends) * CALL_CPU_MS + tasks * TASK_CPU_MS
    waits_ms = math.ceil(tasks / CALLS_AT_ONCE) * DYNAMODB_MS + math.ceil(sends / CALLS_AT_ONCE) * SQS_MS
    return cpu_ms / _cpu_share(memory_mb) + waits_ms


def worker_ms(messages: float, memory_mb: float, task_seconds: float = 0.0) -> float:
    """Return how long a batch of this number of messages keeps the worker busy: an estimate.

    The tasks of a batch run at the same time, so their own work of `task_seconds` counts once.
    """
    cpu_ms = INVOCATION_CPU_MS + messages * (ATTEMPT_WRITES * CALL_CPU_MS + TASK_CPU_MS)
    return cpu_ms / _cpu_share(memory_mb) + ATTEMPT_WRITES * DYNAMODB_MS + task_seconds * 1000


def _cpu_share(memory_mb: float) -> float:
    return min(1.0, memory_mb / CPU_MEMORY_MB)
