"""An upstream on HTTPS: its certificate is verified."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gatepass.gateway.http import http_upstream
from tests.gateway.actors import ANSWER, Client, Line, answering, caller, http
from tests.gateway.conftest import Guards


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody knows, as a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "upstream")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "upstream.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
async def secure(certificate: Path, closing: AsyncExitStack) -> str:
    """The address of an upstream on HTTPS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answering(http())(Line(reader, writer, 1))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    closing.callback(server.close)
    return f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/graphql"


async def test_a_known_certificate_is_accepted(
    secure: str, certificate: Path, guards: Guards, closing: AsyncExitStack
) -> None:
    upstream = http_upstream(secure, tls=ssl.create_default_context(cafile=str(certificate)))
    closing.push_async_callback(upstream.close)
    received = await Client(guards(upstream), who=caller()).asks()
    assert (received.status, received.body) == (200, ANSWER)


async def test_an_unknown_certificate_is_refused(
    secure: str, guards: Guards, faults: list[str], closing: AsyncExitStack
) -> None:
    upstream = http_upstream(secure)
    closing.push_async_callback(upstream.close)
    received = await Client(guards(upstream), who=caller()).asks()
    assert (received.status, received.code) == (502, "UPSTREAM_UNAVAILABLE")
    assert "Certificate" in faults[0]
