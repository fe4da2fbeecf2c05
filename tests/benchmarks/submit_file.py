"""What memory `ftask submit --file` takes: python tests/benchmarks/submit_file.py [LINES ...] [--before CHECKOUT]

Against an API that accepts everything at once, in this process. The peak memory of the command by the number of lines,
and its CPU seconds; with --before, of another checkout too. Aim: at most 90 MB, whatever the number of lines.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
FTASK = "from ftask.cli import main; main()"
OUTPUTS = (
    *("ApiUrl", "ApiId", "ApiStage", "TableName", "QueueUrl", "DeadLetterQueueUrl", "ApiFunction", "WorkerFunction"),
    *("WorkerSource", "ApiLogGroup", "WorkerLogGroup", "TaskRetentionDays", "CodeKey", "WorkerCodeKey"),
)
MEMBERS = "".join(f"<member><OutputKey>{key}</OutputKey><OutputValue>1</OutputValue></member>" for key in OUTPUTS)
STACK = (
    "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackId>1</StackId><StackName>s</StackName>"
    "<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>"
    f"<Outputs>{MEMBERS}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
)


class Api(BaseHTTPRequestHandler):
    """CloudFormation with one stack, and the API of that stack."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.path.endswith("/tasks/batch"):
            self._answer(200, "text/xml", STACK.encode())
            return
        keys = [task["idempotencyKey"] for task in json.loads(body)["tasks"]]
        results = [
            {
                "accepted": True,
                "taskId": key[-32:].rjust(32, "0"),
                "status": "PENDING",
                "createdAt": "2026-01-01T00:00:00Z",
            }
            for key in keys
        ]
        self._answer(202, "application/json", json.dumps({"results": results}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def an_api() -> Iterator[str]:
    """Yield the endpoint of an API that ends with the block."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def measure(checkout: Path, endpoint: str, lines: int) -> str:
    """Return the peak memory and the CPU time of one submission."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tasks.jsonl")
        with path.open("w") as file:
            file.writelines(
                f'{{"message":"SUCCESS","order":{number},"note":"{"x" * 60}"}}\n' for number in range(lines)
            )
        environment = os.environ | {
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_DEFAULT_REGION": "us-east-1",
            "FTASK_CACHE_DIR": folder,
        }
        words = ["submit", "--stage", "bench", "--endpoint-url", endpoint, "--file", str(path)]
        with subprocess.Popen(
            [sys.executable, "-c", FTASK, *words], cwd=checkout, env=environment, stdout=subprocess.DEVNULL
        ) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
    return f"{usage.ru_maxrss / 1024:4.0f} MB, {usage.ru_utime + usage.ru_stime:.1f} s of CPU"


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("lines", nargs="*", type=int, default=[5_000, 50_000])
    parser.add_argument("--before", type=Path, help="another checkout, to compare with")
    options = parser.parse_args()
    with an_api() as endpoint:
        for lines in options.lines:
            print(f"{lines:>7,} lines: {measure(CHECKOUT, endpoint, lines)}", flush=True)
            if options.before is not None:
                print(f"        before: {measure(options.before, endpoint, lines)}", flush=True)


if __name__ == "__main__":
    main()
