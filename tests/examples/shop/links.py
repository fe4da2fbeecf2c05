"""Many requests at once, in an async task."""

import asyncio

import httpx

from ftask import task


@task(timeout=10)
async def check_links(urls: list[str], seconds: float = 1.0) -> dict[str, int | None]:
    """Return the HTTP status of each URL, None if it does not answer within so many seconds."""
    async with httpx.AsyncClient(timeout=seconds) as client:

        async def status(url: str) -> int | None:
            try:
                return (await client.get(url)).status_code
            except httpx.HTTPError:
                return None

        statuses = await asyncio.gather(*map(status, urls))
    return dict(zip(urls, statuses, strict=True))
