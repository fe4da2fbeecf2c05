"""Calls a service over HTTP, with httpx, and takes a model of pydantic as an argument."""

import os
from decimal import Decimal

import httpx
from pydantic import BaseModel, PositiveInt

from ftask import PermanentError, RetryAfter, current, task


class Line(BaseModel):
    """What was bought."""

    article: str
    quantity: PositiveInt
    price: Decimal


@task(max_attempts=3, backoff=(0, 0))
def send_invoice(order_id: int, email: str, lines: list[Line]) -> dict[str, object]:
    """Let the invoice service send the invoice of an order."""
    run = current()
    total = sum((line.quantity * line.price for line in lines), Decimal())
    answer = httpx.post(
        f"{os.environ['INVOICES_URL']}/invoices",
        json={"order": order_id, "email": email, "total": str(total)},
        # The service does the work once for each key, however often the task runs.
        headers={"Idempotency-Key": run.task_id},
        # An answer that comes too late is a failed attempt like any other.
        timeout=min(1.0, run.remaining()),
    )
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise RetryAfter(float(answer.headers["Retry-After"]))
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        raise PermanentError(answer.text)
    answer.raise_for_status()
    return {"invoice": answer.json()["id"], "total": str(total)}
