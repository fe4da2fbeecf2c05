"""A FastAPI application: one view submits a task, another one shows its status. The end calls both, as a test would.

The key names the order, so a customer who asks twice gets one invoice.
"""

import asyncio

import httpx2
from fastapi import FastAPI

from ftask import AsyncClient

app = FastAPI()
client = AsyncClient()


@app.post("/orders/{order}/invoice", status_code=202)
async def invoice(order: int) -> dict[str, str]:
    handle = await client.submit("experiment", {"message": "SUCCESS", "order": order}, key=f"invoice-{order}")
    return {"task": handle.id}


@app.get("/tasks/{task}")
async def status(task: str) -> str:
    return await client.handle(task).status()


async def main() -> None:
    async with client, httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://shop") as browser:
        answers = [(await browser.post("/orders/17/invoice")).json() for _ in range(2)]
        task = answers[0]["task"]
        await client.handle(task).wait(timeout=60)
        print("one task" if answers[0] == answers[1] else answers, (await browser.get(f"/tasks/{task}")).json())


if __name__ == "__main__":
    asyncio.run(main())
