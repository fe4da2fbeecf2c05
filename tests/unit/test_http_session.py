"""Requests to the API go through the proxies and trust the certificates that boto3's own requests do."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ftask.aws.api import ApiClient
from ftask.aws.target import Target
from ftask.client.errors import ApiConnectionError
from ftask.core.timestamps import now

TARGET = Target("prod", region="eu-west-1", endpoint_url="https://an.emulator", access_key="a", secret_key="b")


class Server(HTTPServer):
    """Answers every request with an empty task, and keeps what was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requested: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requested.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Keep the test's output quiet."""


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    server = Server()
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of `localhost` that no machine trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def test_a_request_takes_the_proxy_and_leaves_it_where_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        port = server.server_port
        for name in ("http_proxy", "no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        stage = Target("prod", region="eu-central-1")
        ApiClient(stage, "http://api.invalid/v1", token="t").get("t")
        assert server.requested == ["http://api.invalid/v1/tasks/t"]
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        ApiClient(stage, f"http://127.0.0.1:{port}/v1", token="t").get("t")
        assert server.requested[-1] == "/v1/tasks/t"


def test_no_proxy_is_between_the_command_and_the_local_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        engine = Target.local(f"http://127.0.0.1:{server.server_port}", "key", "secret")
        ApiClient(engine, f"{engine.endpoint_url}/v1").get("t")
        assert server.requested == ["/v1/tasks/t"]
        config: Any = engine.sqs.meta.config
        assert config.proxies == {}


BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.mark.parametrize("variable", BUNDLES)
def test_a_certificate_is_trusted_where_a_bundle_names_it(
    variable: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)
    stopping = threading.Event()
    stopping.set()  # no retries
    with serving(certificate) as server:
        url = f"https://localhost:{server.server_port}/v1"
        with pytest.raises(ApiConnectionError, match="certificate"):
            ApiClient(TARGET, url, stopping).get("t")
        monkeypatch.setenv(variable, str(certificate))
        ApiClient(TARGET, url, stopping).get("t")
        assert server.requested == ["/v1/tasks/t"]
