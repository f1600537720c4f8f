"""The shipped listener for TLS in a real nginx."""

import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.api.errors import Problem
from tests.e2e.process import ServerProcess
from tests.fixtures.gateway import Gateway, make_certificate, running_gateway


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificate")


@pytest.fixture(scope="module")
def trust(certificate: Path) -> ssl.SSLContext:
    return make_certificate(certificate)


@pytest.fixture
def gateway(server: ServerProcess, trust: ssl.SSLContext, certificate: Path, tmp_path: Path) -> Iterator[Gateway]:
    with running_gateway(tmp_path, [server.port], certificate=certificate) as gateway:
        yield gateway


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2"])
def test_a_picture_goes_through(
    gateway: Gateway, server: ServerProcess, trust: ssl.SSLContext, photograph: bytes, version: str
) -> None:
    with httpx.Client(base_url=gateway.tls_url, http2=version == "HTTP/2", verify=trust) as client:
        answer = client.post("/segment", content=photograph)
        nowhere = client.get("/metrics")
    assert (answer.http_version, answer.status_code) == (version, 200)
    assert answer.content == httpx.post(f"{server.url}/segment", content=photograph).content
    assert Problem.model_validate_json(nowhere.content, strict=True).code == "not_found"


def test_who_does_not_trust_the_certificate_sends_nothing(gateway: Gateway) -> None:
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(gateway.tls_url)


@pytest.mark.parametrize(("version", "works"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
def test_old_protocols_are_refused(gateway: Gateway, certificate: Path, version: str, works: bool) -> None:
    client = ssl.create_default_context(cafile=certificate / "fullchain.pem")
    client.set_ciphers("ALL:@SECLEVEL=0")  # else the client refuses by itself
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        client.minimum_version = client.maximum_version = ssl.TLSVersion[version]
    with socket.create_connection(("127.0.0.1", int(gateway.tls_url.rpartition(":")[2])), timeout=10) as plain:
        if not works:
            with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
                client.wrap_socket(plain, server_hostname="localhost")
            return
        with client.wrap_socket(plain, server_hostname="localhost") as connection:
            name, _, bits = connection.cipher() or ("", "", 0)
    assert "GCM" in name or "CHACHA20" in name
    assert bits >= 128


def test_plain_http_at_the_port_for_tls(gateway: Gateway) -> None:
    answer = httpx.get(gateway.tls_url.replace("https", "http"))
    problem = Problem.model_validate_json(answer.content, strict=True)
    assert (answer.status_code, problem.code) == (400, "bad_request")
    assert "TLS" in problem.detail
