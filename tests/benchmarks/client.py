"""What a client costs in CPU time, beside the least that the same work takes.

    python tests/benchmarks/client.py            # starting, submitting, an event loop with 16 requests in flight

Starting and submitting are compared with bare botocore, the event loop with aiohttp where it is installed. The answers
come from a server on this machine, so that only the client's own work differs.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from ftask import AsyncClient, Client

ANSWER = json.dumps({"taskId": "0" * 32, "status": "PENDING", "createdAt": "2026-01-01T12:00:00.000Z"}).encode()
HEAD = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(ANSWER)
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
BARE = """
import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
botocore.session.Session().get_credentials()
URLLib3Session()
"""
FTASK = "import ftask; client = ftask.Client(api_url='https://a.execute-api.us-east-1.amazonaws.com/v1');"
FTASK += "client._transport; client._shared.connection.signer()"


def serve() -> int:
    """Answer every request on a port of this machine, in a process of its own."""
    code = f"""
import asyncio
async def answer(reader, writer):
    try:
        while head := await reader.readuntil(b"\\r\\n\\r\\n"):
            length = [int(l.split(b":")[1]) for l in head.lower().split(b"\\r\\n") if l.startswith(b"content-length")]
            await reader.readexactly(length[0] if length else 0)
            writer.write({HEAD + ANSWER!r})
    except asyncio.IncompleteReadError:
        writer.close()
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    threading.Thread(target=process.wait, daemon=True).start()
    SERVERS.append(process)
    return int((process.stdout or sys.stdin).readline())


SERVERS: list[subprocess.Popen[str]] = []


def start_seconds(code: str) -> float:
    """Return the CPU time of a process that runs `code`."""
    timed = f"{code}\nimport time; print(time.process_time())"
    done = subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True)
    return float(done.stdout)


def cpu_seconds(function: Callable[[], object], count: int) -> float:
    begun = time.process_time()
    for _ in range(count):
        function()
    return (time.process_time() - begun) / count


def compare(name: str, ours: Callable[[], float], theirs: Callable[[], float], beside: str, rounds: int = 9) -> None:
    """Measure both in turns, so that a busy machine slows both; print the ratio of the medians."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    mine, other = median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
    print(f"{name:<28}{mine * 1e3:8.2f} ms{other * 1e3:8.2f} ms of {beside:<16}{mine / other:6.2f} x")


def signed(url: str, credentials: Credentials) -> Any:
    """Return the request of a submission, made by botocore alone."""
    headers = {"content-type": "application/json", "idempotency-key": uuid.uuid4().hex}
    request: Any = AWSRequest("POST", f"{url}/tasks?type=experiment", data=b'{"n":1}', headers=headers)
    signer: Any = SigV4Auth(credentials.get_frozen_credentials(), "execute-api", "us-east-1")
    signer.add_auth(request)
    return request


def signed_request(url: str, http: URLLib3Session, credentials: Credentials) -> None:
    answer: Any = http.send(signed(url, credentials).prepare())
    json.loads(answer.content)


async def in_flight(call: Callable[[], Awaitable[object]], count: int) -> float:
    """Return the CPU time of one call of `count`, with 16 in flight."""
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await call()

    begun = time.process_time()
    await asyncio.gather(*(work() for _ in range(16)))
    return (time.process_time() - begun) / count


async def event_loop(url: str) -> None:
    async with AsyncClient(api_url=url) as client:
        await client.submit("experiment", {"n": 1})
        ours = [await in_flight(lambda: client.submit("experiment", {"n": 1}), 300) for _ in range(5)]
    if importlib.util.find_spec("aiohttp") is None:
        print(f"event loop, 16 in flight    {median(ours) * 1e3:8.2f} ms; aiohttp is not installed")
        return
    aiohttp: Any = importlib.import_module("aiohttp")
    credentials = Credentials("AKIDEXAMPLE", "secret")
    async with aiohttp.ClientSession() as session:

        async def call() -> None:
            request = signed(url, credentials)
            async with session.post(request.url, data=request.data, headers=dict(request.headers)) as answer:
                json.loads(await answer.read())

        await call()
        theirs = [await in_flight(call, 300) for _ in range(5)]
    print(
        f"{'event loop, 16 in flight':<28}{median(ours) * 1e3:8.2f} ms{median(theirs) * 1e3:8.2f} ms of"
        f" {'aiohttp':<16}{median(ours) / median(theirs):6.2f} x"
    )


def main() -> None:
    os.environ.update(ENVIRONMENT)
    compare("import and Client", lambda: start_seconds(FTASK), lambda: start_seconds(BARE), "bare botocore")
    url = f"http://127.0.0.1:{serve()}"
    client, http, credentials = Client(api_url=url), URLLib3Session(), Credentials("AKIDEXAMPLE", "secret")
    client.submit("experiment", {"n": 1})
    compare(
        "a submission",
        lambda: cpu_seconds(lambda: client.submit("experiment", {"n": 1}), 200),
        lambda: cpu_seconds(lambda: signed_request(url, http, credentials), 200),
        "a signed request",
    )
    asyncio.run(event_loop(url))
    for server in SERVERS:
        server.terminate()


if __name__ == "__main__":
    main()
