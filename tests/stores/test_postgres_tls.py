"""TLS on the way to the database: whom a URL with `sslmode=verify-full` and `sslrootcert` trusts, and whom not."""

from __future__ import annotations

import ipaddress
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gatepass.domain.errors import StoreUnavailable
from gatepass.stores import postgres
from tests.kit.postgres import Server, binaries_with_tls, own_server, server_user
from tests.kit.store_world import NOW, announced, enrol

KEY = ec.SECP256R1()


class Authority:
    """Signs certificates; `file` holds its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._key = ec.generate_private_key(KEY)
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = self._signed(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def server(self, certificate: Path, key: Path, address: str) -> None:
        """Write a server's certificate for this address, and its key."""
        private = ec.generate_private_key(KEY)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        signed = self._signed(x509.Name([]), private.public_key(), names)
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        key.touch(0o600)
        key.write_bytes(
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(extension, critical=True)
            .sign(self._key, hashes.SHA256())
        )


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One that the server's own user may enter."""
    with tempfile.TemporaryDirectory(prefix="gatepass-tls-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder, "ours")


@pytest.fixture(scope="module")
def server(folder: Path, authority: Authority) -> Iterator[Server]:
    """A server on TLS whose certificate is for 127.0.0.1."""
    certificate, key = folder / "server.pem", folder / "server.key"
    authority.server(certificate, key, "127.0.0.1")
    if user := server_user():
        shutil.chown(key, user)
    settings = {"ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key), "fsync": "off"}
    with own_server(settings, binaries=binaries_with_tls()) as server:
        yield server


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    return server.made()


def trusting(url: str, file: Path, mode: str = "verify-full") -> str:
    return f"{url}&sslmode={mode}&sslrootcert={file}"


async def test_a_server_whose_certificate_is_signed_for_its_name_is_used_over_tls(
    url: str, server: Server, authority: Authority
) -> None:
    """Every connection is encrypted, the one that listens for revocations too."""
    store = await postgres.open_store(trusting(url, authority.file))
    ana = await enrol(store)
    session = await ana.signs_in()
    assert await store.sessions.revoke(session.id, NOW)
    assert session.id in await announced(store)
    await store.revocations.news(0.5)
    encrypted = server.psql(
        "SELECT bool_and(ssl), count(*) > 1 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
        "WHERE usename = 'gatepass'"
    )
    assert encrypted == "t|t"
    await store.close()


async def test_a_certificate_of_another_authority_is_refused(url: str, folder: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"TLS to the database failed: .*certificate.*Check sslmode and sslroot"):
        await postgres.open_store(trusting(url, Authority(folder, "theirs").file))


async def test_a_certificate_for_another_name_is_refused_unless_the_url_says_not_to_look(
    url: str, authority: Authority
) -> None:
    elsewhere = url.replace("127.0.0.1", "localhost")
    with pytest.raises(StoreUnavailable, match=r"TLS to the database failed: .*not valid for 'localhost'"):
        await postgres.open_store(trusting(elsewhere, authority.file))
    await (await postgres.open_store(trusting(elsewhere, authority.file, "verify-ca"))).close()


async def test_a_file_of_authorities_that_is_not_there_is_not_taken_for_a_database_that_is_away(
    url: str, folder: Path
) -> None:
    with pytest.raises(StoreUnavailable, match=r"is not there: .*sslrootcert"):
        await postgres.open_store(trusting(url, folder / "nobody.pem"))
