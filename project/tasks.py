"""The tasks of this project: each function below @task is a task type."""

import asyncio

from ftask import task


@task(max_attempts=3, backoff=(2, 300))
def greet(name: str, greeting: str = "Hello") -> dict[str, str]:
    """Greet somebody.

    Any exception is retried. `raise PermanentError("why")` fails the task at once,
    `raise RetryAfter(60)` chooses the delay. A task may run more than once: pass
    `current().task_id` as an idempotency key to what it calls.
    """
    return {"text": f"{greeting}, {name}!"}


@task(timeout=10)
async def nap(seconds: float = 0.1) -> float:
    """Wait; an attempt that takes more than 10 seconds is stopped."""
    await asyncio.sleep(seconds)
    return seconds
