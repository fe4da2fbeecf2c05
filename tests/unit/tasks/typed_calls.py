"""What a type checker says of calls of tasks: nothing of the right ones, and each wrong one is an error.

No test runs this: mypy reads it with the rest of the repository, and complains of a comment that ignores no error.
"""

from __future__ import annotations

from ftask import PermanentError, RetryAfter, current, task
from ftask.testing import run


@task
def send_invoice(order_id: int, email: str = "") -> dict[str, int]:
    if current().attempt > 1:
        raise RetryAfter(0.5)
    raise PermanentError("no")


@task(max_attempts=5, backoff=(2, 300), timeout=20)
async def resize(image: str) -> None: ...


async def right() -> None:
    invoice: dict[str, int] = send_invoice(order_id=17)
    seconds: float = current().remaining()
    status: str = run(send_invoice, {"order_id": 17}).status
    await resize("a.png")
    print(invoice, seconds, status)


async def wrong() -> None:
    send_invoice(order_id="17")  # type: ignore[arg-type]
    send_invoice()  # type: ignore[call-arg]
    text: str = send_invoice(order_id=17)  # type: ignore[assignment]
    await resize(picture="a.png")  # type: ignore[call-arg]
    task(max_attempts="5")  # type: ignore[call-overload]
    task(retries=5)  # type: ignore[call-overload]
    print(text)
