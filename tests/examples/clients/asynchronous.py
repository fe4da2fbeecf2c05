"""The same in an event loop: handles come as their tasks end."""

import asyncio

from ftask import AsyncClient, NewTask


async def main() -> None:
    async with AsyncClient() as client:
        tasks = (NewTask("experiment", {"message": "SUCCESS", "n": n}) for n in range(200))
        handles = [handle async for handle in client.submit_many(tasks)]
        results = [await handle.result() async for handle in client.as_completed(handles, timeout=300)]
        print(len(results), "results")


asyncio.run(main())
