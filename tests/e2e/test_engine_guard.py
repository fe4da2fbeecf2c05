"""What a web page in a real browser, and somebody who knows ministack, can do to a deployed stage: nothing."""

from __future__ import annotations

import hashlib
import json
import queue
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from ftask.aws.target import Target
from tests.support.browser import chromium, open_page
from tests.support.cli import Cli
from tests.support.engines import boto_session
from tests.support.requests import FORM, presigned, request, root, signature

pytestmark = pytest.mark.engine

# The page calls the engine in every way that needs no leave, and tells its own server what it could read. One API lets
# it in.
PAGE = """<!doctype html><body><form method="post" target="frame" enctype="text/plain"
 action="{engine}/?Action=CreateQueue&QueueName=by-form&AWSAccessKeyId=test"><input name="a" value="b"></form>
<iframe name="frame"></iframe><script>
const engine = "{engine}", seen = {{}};
const read = (url, options) => fetch(url, options).then(a => a.text()).catch(() => "refused");
const socket = () => new Promise(done => {{
  const opened = new WebSocket(engine.replace("http", "ws") + "{stage}");
  opened.onopen = () => done("opened"); opened.onerror = () => done("refused");
}});
const create = `${{engine}}/?Action=CreateQueue&QueueName=by-post&X-Amz-Algorithm=AWS4-HMAC-SHA256` +
  "&X-Amz-Credential=test/20260101/us-east-1/sqs/aws4_request&X-Amz-Signature=x&X-Amz-SignedHeaders=host";
const blind = url => fetch(url, {{method: "POST", mode: "no-cors", body: "x"}}).catch(() => 0);
(async () => {{
  document.forms[0].submit();
  await blind(create);
  await blind(engine + "/_ministack/reset");
  seen.allowed = await read(engine + "{allowed}/openapi.json");
  seen.health = await read(engine + "/_ministack/health");
  seen.queues = await read(engine + "{queues}");
  seen.stage = await read(engine + "{stage}/openapi.json");
  seen.socket = await socket();
  await fetch("/seen", {{method: "POST", body: JSON.stringify(seen)}});
}})();
</script>"""


class Elsewhere:
    """A web server of somebody else on this machine: it serves one page, which tells it what it saw."""

    def __init__(self) -> None:
        self.page = ""
        self.seen: queue.Queue[dict[str, str]] = queue.Queue()
        elsewhere = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(elsewhere.page.encode())

            def do_POST(self) -> None:
                elsewhere.seen.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """A test prints nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://evil.example:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    made = Elsewhere()
    yield made
    made.close()


@pytest.fixture
def friendly_api(deployed: Cli, target: Target, elsewhere: Elsewhere) -> Iterator[str]:
    """The path of an API before the stage's function that pages of elsewhere may call."""
    client = boto_session(target).client("apigatewayv2", endpoint_url=target.endpoint_url)
    function = target.lambda_.get_function(FunctionName="ftask-local-api")["Configuration"]["FunctionArn"]
    cors: Any = {"AllowOrigins": [elsewhere.origin]}
    api_id = client.create_api(Name="friendly", ProtocolType="HTTP", CorsConfiguration=cors)["ApiId"]
    client.create_stage(ApiId=api_id, StageName="v1")
    made = client.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function, PayloadFormatVersion="2.0"
    )
    client.create_route(ApiId=api_id, RouteKey="GET /openapi.json", Target=f"integrations/{made['IntegrationId']}")
    yield f"/_aws/execute-api/{api_id}/v1"
    client.delete_api(ApiId=api_id)


def test_a_web_page_reads_and_does_nothing_but_what_an_api_allows(
    deployed: Cli, target: Target, elsewhere: Elsewhere, friendly_api: str, tmp_path: Path
) -> None:
    engine = str(target.endpoint_url)
    stage = deployed("info", "-o", "json").json["apiUrl"].removeprefix(engine)
    queues = sorted(target.sqs.list_queues()["QueueUrls"])
    elsewhere.page = PAGE.format(
        engine=engine, stage=stage, allowed=friendly_api, queues=presigned(target, "sqs", "/?Action=ListQueues")
    )
    resolving = "--host-resolver-rules=MAP *.example 127.0.0.1"
    with open_page(tmp_path, elsewhere.origin, resolving):
        seen = elsewhere.seen.get(timeout=60)
    assert "openapi" in seen.pop("allowed")
    assert seen == dict.fromkeys(("health", "queues", "stage", "socket"), "refused")
    assert sorted(target.sqs.list_queues()["QueueUrls"]) == queues
    # Rebound to this machine, a page's own name leads to the engine.
    rebound = f"{engine}/_ministack/health".replace("127.0.0.1", "evil.example")
    assert b"not the host" in chromium(tmp_path, resolving, "--dump-dom", rebound)


def test_the_keys_of_a_functions_role_cannot_be_computed(deployed: Cli, target: Target) -> None:
    """ministack derives them from two names that everybody knows."""
    function = target.lambda_.get_function_configuration(FunctionName="ftask-local-api")
    assert deployed("submit", "-m", "SUCCESS", "--wait").code == 0  # so both functions have their keys
    digest = hashlib.sha256(f"{function['FunctionArn']}:{function['Role']}".encode()).hexdigest()
    key = Credentials(
        f"ASIA{digest[:16].upper()}",
        hashlib.sha256(f"secret:{digest}".encode()).hexdigest(),
        hashlib.sha256(f"token:{digest}".encode()).hexdigest(),
    )
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    for tried, status in ((key, 403), (root(target), 200)):
        signed = signature(target, "sts", "POST", "/", {"content-type": FORM}, body, tried)
        assert request(target, "POST", "/", signed, body).status == status
